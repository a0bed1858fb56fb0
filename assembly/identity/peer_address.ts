import { Properties } from "../host/properties";

const COLON: u8 = 0x3a;
const BRACKET_OPEN: u8 = 0x5b;

/** Reads the IP address of the current stream's peer into `properties`, without the port and without the brackets of IPv6.
 *  The path of a Unix socket stays unchanged. False if there is none. Makes a host call. */
export function findPeerAddress(properties: Properties): bool {
  if (!properties.find("source.address")) return false;
  let length = properties.length;
  while (length > 0 && load<u8>(properties.at + length - 1) != COLON) length--;
  if (length == 0) return true;
  properties.length = length - 1;
  if (properties.length < 2 || load<u8>(properties.at) != BRACKET_OPEN) return true;
  properties.at++;
  properties.length -= 2;
  return true;
}
