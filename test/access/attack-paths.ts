/** Request targets that some servers read as /mcp, or may: a policy for /mcp must cover each of them. */
export const ATTACK_PATHS: readonly string[] = [
  // Case, slashes, dots, subpaths.
  ...[
    "/MCP",
    "/mcp/",
    "/mcp//",
    "//mcp",
    "/./mcp",
    "/mcp/.",
    "/mcp/x",
    "/mcp/x/..",
    "/mcp/../x",
    "/x/../mcp",
    "/../mcp",
  ],
  ...["/x//../mcp", "/x/./../mcp", "/x/y/../../mcp", "/mcp?a=1", "/mcp?/../x", "/x?/../mcp", "/x?a=b/../../mcp"],
  // Escapes of letters, dots and slashes, once and repeatedly.
  ...[
    "/%6dcp",
    "/%6Dcp",
    "/%4dCP",
    "/%6d%63%70",
    "/%2fmcp",
    "/%2Fmcp",
    "/x%2f..%2fmcp",
    "/x/%2e%2e/mcp",
    "/x/.%2e/mcp",
  ],
  ...[
    "/%2e/mcp",
    "/x%2f%2e%2e%2fmcp",
    "/mcp%2f",
    "/mcp%2fx",
    "/%256dcp",
    "/%25%36%64cp",
    "/%25256dcp",
    "/x%252f..%252fmcp",
  ],
  ...["/x/%252e%252e/mcp", "/x/%252e%252e%252fmcp", "/%252fmcp"],
  // Bytes that end a path once it is decoded.
  ...[
    "/x%3F/../mcp",
    "/%23/../mcp",
    "/x%3f%2f..%2fmcp",
    "/x%00/../mcp",
    "/mcp%3Fx",
    "/mcp%23x",
    "/mcp%00",
    "/mcp%00.txt",
  ],
  ...["/mcp%3fx/../y", "/mcp%00/../x", "/x%23/../mcp", "/%3f/../mcp", "/%3F%2F..%2Fmcp", "/x%3Fa%3Db/../mcp"],
  // Bytes that are trimmed, dropped or read as the end of a line.
  ...["/mcp%20", "/mcp%09", "/mcp%0a", "/mcp%0d%0a", "/mcp.", "/mcp%2e", "/mcp..", "/mcp/%20", "/%20mcp", "/%09/mcp"],
  ...[
    "/mcp%20HTTP/1.1",
    "/mcp%20x",
    "/m%09cp",
    "/m%0acp",
    "/m%00cp",
    "/mcp+",
    "/mcp%2b",
    "/mcp%c2%a0",
    "/mcp%e2%80%8b",
  ],
  ...["/mcp%7f", "/mcp%1f", "/mcp%20%2e", "/mcp.%20", "/mcp%85"],
  // Parameters.
  ...[
    "/mcp;a=1",
    "/mcp;",
    "/mcp%3Ba=1",
    "/x;/../mcp",
    "/;a/mcp",
    "/;/mcp",
    "/x/..;/mcp",
    "/x;a=b/..;c=d/mcp",
    "/x/..%3b/mcp",
  ],
  ...["/mcp;/x", "/mcp;a=/../x", "/;%2f..%2fmcp"],
  // Windows.
  ...[
    "/\\mcp",
    "/x\\..\\mcp",
    "/x%5c..%5cmcp",
    "/%5cmcp",
    "/x/..%5cmcp",
    "/%255cmcp",
    "/mcp::$DATA",
    "/mcp%3A%3A$DATA",
  ],
  ...["/mcp:$I30:$INDEX_ALLOCATION", "/mcp::$DATA/x", "/%u006dcp", "/x%u002f..%u002fmcp", "/mcp%u0020"],
  // Beyond ASCII: overlong UTF-8, Latin-1, fullwidth and other forms, characters truncated to bytes, ignored
  // characters.
  ...[
    "/%c1%adcp",
    "/x%c0%af..%c0%afmcp",
    "/x/%c0%ae%c0%ae/mcp",
    "/x%e0%80%af..%e0%80%afmcp",
    "/%ef%bd%8d%ef%bd%83%ef%bd%90",
  ],
  ...["/x%ef%bc%8f..%ef%bc%8fmcp", "/x/%ef%bc%8e%ef%bc%8e/mcp", "/%f0%9d%97%86cp", "/%e2%93%9c%e2%93%92%e2%93%9f"],
  ...[
    "/%c5%ad%c5%a3%c5%b0",
    "/%ed%e3%f0",
    "/m%c2%adcp",
    "/m%e2%80%8ccp",
    "/%ef%bb%bfmcp",
    "/%e1%b8%bfcp",
    "/m%cc%81cp",
  ],
  // Broken escapes.
  ...["/x%2/../mcp", "/x%/../mcp", "/x%zz/../mcp", "/mcp%", "/mcp%2", "/%%36dcp", "/%2%35%36dcp"],
  // Absolute forms, and hosts in paths.
  ...["http://server.example/mcp", "HTTP://server.example/x/../mcp", "//server.example/mcp"],
  ...["http://server.example//mcp", "http://server.example/%6dcp", "///mcp", "//server.example/../mcp"],
  // Paths from which deleting `../` leaves /mcp.
  ...["/m../cp", "/..././mcp", "/....//mcp", "/x/....//mcp", "/./x/..//mcp"],
];

/** Paths of other resources, which the policy does not cover. */
export const OTHER_PATHS: readonly string[] = [
  ...[
    "/",
    "/files/a%20b",
    "/files/report.final.pdf",
    "/mcp.json",
    "/mcpx",
    "/v2/mcp",
    "/files/caf%C3%A9.txt",
    "/a%7Eb",
  ],
  ...["/v1/models/m:predict", "/search?q=a%2Fb", "/files/100%25", "/.well-known/x", "/c++/a"],
];
