/** One field of Istio's access log line, in its default text format. */
export interface LogField {
  name: string;
  value: string;
  meaning: string;
}

const FIELDS: readonly (readonly [string, string])[] = [
  ['Start', 'when the request began'],
  ['Request', 'method, path and protocol'],
  ['Status', 'what the caller was answered; 0 when it left before'],
  ['Flags', 'what the proxy noticed; - when nothing'],
  ['Details', 'which code of the proxy answered, and why'],
  ['Connection ended', 'why the connection was closed, if it was'],
  ['Upstream failure', 'why the connection to the upstream failed'],
  ['Bytes in', 'bytes of the request body'],
  ['Bytes out', 'bytes of the response body'],
  ['Took', 'milliseconds from first byte in to last byte out'],
  ['Upstream took', 'milliseconds the upstream needed; - when it was not asked'],
  ['Forwarded for', 'x-forwarded-for'],
  ['User agent', 'user-agent'],
  ['Request id', 'x-request-id, the same at every hop'],
  ['Authority', 'the host that was asked for'],
  ['Upstream host', 'the address that was chosen'],
  ['Cluster', 'the cluster that the route chose'],
  ['Upstream local', "the proxy's own address towards the upstream"],
  ['Downstream local', 'the address that the caller connected to'],
  ['Downstream remote', "the caller's address"],
  ['Server name', 'SNI of the TLS connection'],
  ['Route', 'the name of the route'],
];

/** Parts of a line: what stands in brackets or quotes is one part. */
export function splitLog(line: string): string[] {
  return [...line.matchAll(/\[([^\]]*)\]|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** The line's fields with their names; parts beyond Istio's format are left out. */
export function readLog(line: string): LogField[] {
  return splitLog(line).flatMap((value, index) => {
    const field = FIELDS[index];
    return field ? [{ name: field[0], value, meaning: field[1] }] : [];
  });
}
