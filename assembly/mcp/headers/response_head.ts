import { Headers } from "../../host/headers";
import { ContentType, contentType, isCompressed } from "../../http/content_type";
import { lineLength } from "../../http/list_form";
import { named } from "./named";

/** The response headers that matter to MCP. */
export class ResponseHead {
  status: i32 = 0;
  contentType: ContentType = ContentType.Other;
  compressed: bool = false;
  /** The value of `Mcp-Session-Id`, which is a secret; empty if it is missing. */
  session: usize = 0;
  sessionLength: i32 = 0;

  read(headers: Headers): void {
    this.status = 0;
    this.sessionLength = 0;
    this.contentType = ContentType.Other;
    this.compressed = false;
    while (headers.next()) this.readHeader(headers);
  }

  private readHeader(header: Headers): void {
    const at = header.value;
    const length = header.valueLength;
    if (named(header, ":status")) {
      for (let i = 0; i < length; i++) this.status = this.status * 10 + (load<u8>(at + i) - 0x30);
    } else if (named(header, "mcp-session-id")) {
      this.session = at;
      this.sessionLength = lineLength(at, length);
    } else if (named(header, "content-type")) {
      this.contentType = contentType(at, lineLength(at, length));
    } else if (named(header, "content-encoding")) {
      this.compressed = this.compressed || isCompressed(at, lineLength(at, length));
    }
  }
}
