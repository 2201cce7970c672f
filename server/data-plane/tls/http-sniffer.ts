const H2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const MAX_METHOD = 16;

/** What plaintext looks like HTTP (Envoy: http_inspector.cc), by the names that filter chains match. */
export type SniffedProtocol = 'http/1.0' | 'http/1.1' | 'h2c' | 'none' | 'incomplete';

/** Reads the first line of `bytes`: a request line, the HTTP/2 preface, or neither. */
export function sniffHttp(bytes: Buffer): SniffedProtocol {
  const start = bytes.toString('latin1', 0, H2_PREFACE.length);
  if (H2_PREFACE.startsWith(start)) return start.length === H2_PREFACE.length ? 'h2c' : 'incomplete';
  if (!/^(?:\r\n)*[A-Z][A-Z-]*(?: |$)/.test(bytes.toString('latin1', 0, MAX_METHOD + 1))) return 'none';
  const end = bytes.indexOf('\r\n', bytes[0] === 0x0d ? 2 : 0);
  if (end < 0) return bytes.includes(0x0a) ? 'none' : 'incomplete';
  const version = / HTTP\/1\.([01])$/.exec(bytes.toString('latin1', Math.max(0, end - 9), end));
  if (version === null) return 'none';
  return version[1] === '1' ? 'http/1.1' : 'http/1.0';
}
