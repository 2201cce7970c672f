const H2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const LINE_FEED = 0x0a;
const SPACE = 0x20;

/** A request line that has not ended by then is nobody's. */
export const MAX_REQUEST_LINE = 64 * 1024;

/** What plaintext looks like HTTP (Envoy: http_inspector.cc), by the names that filter chains match. */
export type SniffedProtocol = 'http/1.0' | 'http/1.1' | 'h2c' | 'none' | 'incomplete' | 'too long';

/** A token (RFC 9110 §5.6.2), as far as it has come. */
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[\t\v\f\r ]|$)/;
/** All that is no letter parts two words; the version may be absent, as in HTTP/0.9. */
const WORDS = /^([^\0- ]+)[\0- ]+([^\0- ]+)(?:[\0- ]+(.+))?$/s;
const VERSION = /^HTTP\/\d\.\d$/;
const PATH = /^[/*][!-~]*$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const HOST_AND_PATH = /^[A-Za-z0-9!$%&'()*+,\-.:;=@[\]_~]*(?:[/?][!-~]*)?$/;

/** Reads the first line of `bytes`: a request line, the HTTP/2 preface, or neither. Any word may be a method. */
export function sniffHttp(bytes: Buffer): SniffedProtocol {
  const start = bytes.toString('latin1', 0, H2_PREFACE.length);
  if (H2_PREFACE.startsWith(start)) return start.length === H2_PREFACE.length ? 'h2c' : 'incomplete';
  const seen = bytes.subarray(0, MAX_REQUEST_LINE);
  const end = seen.indexOf(LINE_FEED);
  if (end >= 0) return versionOf(seen.subarray(0, end));
  if (!METHOD.test(seen.toString('latin1'))) return 'none';
  return bytes.length >= MAX_REQUEST_LINE ? 'too long' : 'incomplete';
}

/** Source: BalsaParser in Envoy. */
function versionOf(line: Buffer): SniffedProtocol {
  let end = line.length;
  while (end > 0 && line[end - 1]! <= SPACE) end--;
  const text = line.toString('latin1', 0, end);
  if (!METHOD.test(text)) return 'none';
  const [, method, target = '', version] = WORDS.exec(text) ?? [];
  const isRequest = isTarget(target, method === 'CONNECT') && (version === undefined || VERSION.test(version));
  if (!isRequest) return 'none';
  return text.endsWith('HTTP/1.1') ? 'http/1.1' : 'http/1.0';
}

function isTarget(target: string, isConnect: boolean): boolean {
  if (PATH.test(target)) return true;
  if (target.startsWith('/') || target.startsWith('*') || !(isConnect || SCHEME.test(target))) return false;
  const rest = isConnect ? target : target.replace(SCHEME, '');
  const host = rest.slice(0, rest.search(/[/?]|$/));
  return HOST_AND_PATH.test(rest) && !host.includes('@@');
}
