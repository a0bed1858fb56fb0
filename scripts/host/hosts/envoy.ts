import type { HostKind } from "./host-kind.ts";

/** Envoy 1.40. */
export const envoy: HostKind = {
  name: "envoy",
  requiredExports: [],
  hasTicks: true,
  endsPlugins: true,
  crashesWithout: () => false,
  functions: (_host, functions) => functions,
  rootId: () => undefined,
  streams: {
    endsInHeaders: true,
    gathersRequest: false,
    hasTrailers: true,
    keepsHeaders: false,
    holdsBodies: true,
    holdsResponseHeaders: true,
    passesReplies: true,
    ending: ["proxy_on_log", "proxy_on_done", "proxy_on_delete"],
    logsFirst: false,
    requestHeaders: (headers) => headers,
    responseHeaders: (headers) => headers,
    endsEmptyBody: () => false,
    responseEnd: (_declared, _size, end) => end,
    gathersPausedResponse: false,
    replyBody: (body) => body,
    resetReply: (_cause, { reply }) => reply,
    onPause: () => undefined,
  },
};
