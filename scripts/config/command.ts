/** The command `config`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { integer } from "../cli/arguments.ts";
import { withHelp } from "../cli/program.ts";

/** The options of all meshes. An option that a mesh does not have is absent. */
export interface ConfigOptions {
  role?: "inbound" | "outbound" | "gateway";
  environment?: "kubernetes" | "universal";
  /** The path of a plugin configuration. */
  config?: string;
  image?: string;
  /** A path at the proxy, or a URL. */
  file?: string;
  sha256?: string;
  namespace?: string;
  selector?: Record<string, string>;
  service?: string;
  gateway?: string;
  port?: number;
}

export type Mesh = "istio" | "kuma" | "consul" | "envoy-gateway" | "envoy";

const EXIT_CODES = {
  0: "printed",
  1: "the plugin configuration has errors",
  2: "wrong arguments, or an unreadable file",
};

/** Adds the command to the program. */
export function addConfig(program: Command): void {
  const config = program
    .command("config")
    .description("Print a manifest that adds the filter to a mesh, or a whole Envoy.");
  withHelp(config, {
    examples: [["istio --image registry.example.com/mcp-proxy-wasm:1.0 > mcp.yaml", "writes a manifest for Istio"]],
    exitCodes: EXIT_CODES,
  });

  const istio = mesh(config, "istio", "a WasmPlugin")
    .addOption(role("inbound", "outbound", "gateway"))
    .addOption(image())
    .addOption(url())
    .addOption(sha256("checked if given"))
    .addOption(namespace())
    .addOption(selector("pods"));
  withHelp(istio, {
    examples: [
      ["--role outbound --namespace agents", "statistics of the agents of a namespace"],
      ["--config access.json --selector app=shop", "an access policy for one server"],
    ],
    exitCodes: EXIT_CODES,
  });

  const kuma = mesh(config, "kuma", "a MeshProxyPatch")
    .addOption(role("inbound", "outbound"))
    .addOption(
      new Option("--environment <name>", "where the mesh runs")
        .choices(["kubernetes", "universal"])
        .default("kubernetes"),
    )
    .addOption(path())
    .addOption(namespace())
    .addOption(selector("Dataplanes"));
  withHelp(kuma, {
    examples: [["--environment universal --selector app=shop", "statistics of one server outside of Kubernetes"]],
    exitCodes: EXIT_CODES,
  });

  const consul = mesh(config, "consul", "a service-defaults entry")
    .addOption(role("inbound", "outbound"))
    .option("--file <path or URL>", "the module: a path at each Envoy, or a URL that each Envoy fetches")
    .addOption(sha256("of the module at a URL; the default is that of this package's module"))
    .option("--service <name>", "the service");
  withHelp(consul, {
    examples: [["--service shop --file http://modules.example.com/mcp.wasm", "a module that Envoys fetch"]],
    exitCodes: EXIT_CODES,
  });

  const gateway = mesh(config, "envoy-gateway", "an EnvoyExtensionPolicy")
    .addOption(image())
    .addOption(url())
    .addOption(sha256("of the image, or of the module at a URL; the default there is that of this package's module"))
    .addOption(namespace())
    .option("--gateway <name>", "the Gateway");
  withHelp(gateway, {
    examples: [["--gateway public --config limits.json", "limits at the Gateway `public`"]],
    exitCodes: EXIT_CODES,
  });

  const envoy = mesh(config, "envoy", "the configuration of an Envoy")
    .addOption(path())
    .option("--port <number>", "the listener's port", integer(65535));
  withHelp(envoy, {
    examples: [["--port 8080 --file /etc/mcp/mcp.wasm > envoy.yaml", "an Envoy in front of 127.0.0.1:3001"]],
    exitCodes: EXIT_CODES,
  });
}

function mesh(parent: Command, name: Mesh, what: string): Command {
  return parent
    .command(name)
    .description(`Print ${what} with the filter, like the files of the package's folder envoy/.`)
    .option("--config <file>", "a plugin configuration, a JSON object; its fields replace those of the file")
    .action(async (options: ConfigOptions) => {
      const { config } = await import("./run.ts");
      config(name, options);
    });
}

function role(...choices: string[]): Option {
  return new Option("--role <role>", "which traffic the filter sees").choices(choices).default(choices[0]);
}

function image(): Option {
  const option = new Option("--image <reference>", "the image with the module: registry/name:tag").conflicts("file");
  return option.argParser((text) => {
    if (!/^[\w.:/@-]+$/.test(text)) throw new InvalidArgumentError("It must look like registry.example.com/name:tag.");
    return text;
  });
}

function url(): Option {
  return new Option("--file <URL>", "the module's URL, in place of an image").argParser((text) => {
    if (!URL.canParse(text)) throw new InvalidArgumentError("It must look like http://host/mcp.wasm.");
    return text;
  });
}

function path(): Option {
  return new Option("--file <path>", "the module's path at each Envoy");
}

function sha256(what: string): Option {
  return new Option("--sha256 <digest>", `the digest ${what}`).argParser((text) => {
    if (!/^[\da-f]{64}$/.test(text))
      throw new InvalidArgumentError("It must have 64 hexadecimal digits in lower case.");
    return text;
  });
}

function namespace(): Option {
  return new Option("--namespace <name>", "the namespace of the resource").argParser((text) => {
    // A label as in RFC 1123, as Kubernetes demands it.
    if (!/^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/.test(text))
      throw new InvalidArgumentError("It must have only lower-case letters, digits and hyphens: team-a.");
    return text;
  });
}

function selector(what: string): Option {
  const option = new Option("--selector <label=value>", `which ${what}; may be repeated`);
  return option.argParser((text: string, before: Record<string, string> | undefined) => {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined) throw new InvalidArgumentError("It must look like app=shop.");
    return { ...before, [name]: value };
  });
}
