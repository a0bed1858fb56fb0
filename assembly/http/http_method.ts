import { equalsText } from "../memory/bytes";

/** The HTTP methods that the filter distinguishes. */
export enum HttpMethod {
  Other,
  Post,
  Get,
  Delete,
  /** HEAD, OPTIONS or TRACE, which carry no messages. */
  Bodyless,
  Connect,
}

/** The method with this name, `length` bytes. */
export function httpMethod(at: usize, length: i32): HttpMethod {
  if (equalsText(at, length, "POST")) return HttpMethod.Post;
  if (equalsText(at, length, "GET")) return HttpMethod.Get;
  if (equalsText(at, length, "DELETE")) return HttpMethod.Delete;
  if (equalsText(at, length, "CONNECT")) return HttpMethod.Connect;
  const isBodyless =
    equalsText(at, length, "HEAD") || equalsText(at, length, "OPTIONS") || equalsText(at, length, "TRACE");
  return isBodyless ? HttpMethod.Bodyless : HttpMethod.Other;
}
