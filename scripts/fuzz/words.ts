/** Words with a meaning to the readers, or nearly one, which are inserted into inputs. */

/** Words of JSON. */
export const JSON_WORDS = words(
  ...'{}[]",:\\/0123456789.-+eEtfnu \t\n\r\0\u001f\v\u007f\u00a0é😀\ufeff\u2028',
  ...["true", "false", "null", "tru", "nulll", "NaN", "-", "-0", "01", "1.", "1e5", "1e400", "1E-400", "0.1e+1"],
  ...["9007199254740993", "18446744073709551616", "-2147483648", "1".repeat(300), `0.${"0".repeat(300)}1`],
  ...["\\u", "\\u0000", "\\u00e9", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\uD83D\\n", "\\x", "\\/", '\\"', "\\\\"],
  ...[
    '""',
    '"a"',
    '"__proto__"',
    '"a":1,',
    ',"a":1',
    '"raw":',
    '"list":[',
    '"any":{',
    "[]",
    "{}",
    "[1,2]",
    ",,",
    "[,]",
  ],
  ...["[".repeat(100), "]".repeat(100), '{"a":'.repeat(100), "[".repeat(512), "[".repeat(600), "]".repeat(512)],
  ...["x".repeat(255), "x".repeat(256), "é".repeat(128), "é".repeat(129), "\\u0041".repeat(60)],
);

/** Words of event streams. */
export const SSE_WORDS = words(
  ...["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r", ":", ": ", " ", "\0", "\ufeff", "é", "😀"],
  ...[
    "data",
    "data:",
    "data: ",
    "data: a\n",
    "event",
    "event:",
    "event: message\n",
    "event: x\n",
    "id: 1\n",
    "id: \0\n",
  ],
  ...["retry: 1\n", ": comment\n", "dat", "datas", "Data: a\n", " data: a\n", "message", "messages", "endpoint"],
  ...["data: {}\n\n", "data:\n\n", "x".repeat(15), "x".repeat(16), "x".repeat(17), "x".repeat(300)],
);

/** Words of JSON-RPC and MCP. */
export const MESSAGE_WORDS = [
  ...JSON_WORDS,
  ...words(
    ...['"jsonrpc":"2.0"', '"jsonrpc":"1.0",', '"id":1,', '"id":null,', ',"id":"x"', '"method":"ping",', '"method":1,'],
    ...[
      '"tools/call"',
      '"tools/list"',
      '"initialize"',
      '"notifications/cancelled"',
      '"subscriptions/listen"',
      '"params":',
    ],
    ...[
      '"result":{},',
      '"error":{"code":-32600},',
      '"error":null,',
      '"isError":true,',
      '"name":"echo",',
      '"_meta":{},',
    ],
    ...['"requestId":1', '"nextCursor":"n"', '"2026-07-28"', '"2025-11-25"', '"task":{}', '"resultType":"task"'],
    '{"jsonrpc":"2.0","id":1,"method":"ping"},',
    ',{"jsonrpc":"2.0","id":1,"result":{}}',
  ),
];

/** Bytes that are not UTF-8, or that UTF-8 does not use. */
export const BROKEN_UTF8 = [
  ...[[0x80], [0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xef, 0xbb], [0xef]],
].map((bytes) => Buffer.from(bytes));

function words(...texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}
