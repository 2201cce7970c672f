/** The parts of a line in Istio's access log format that do not depend on ports, ids or the time. */
export interface AccessLogEntry {
  readonly method: string;
  readonly path: string;
  readonly protocol: string;
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  readonly termination: string;
  readonly transportFailure: string;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly forwardedFor: string;
  readonly authority: string;
  readonly upstreamHost: string;
  readonly cluster: string;
  readonly route: string;
}

const LINE = new RegExp(
  [
    String.raw`^\[\S+\] "(?<method>\S+) (?<path>\S+) (?<protocol>\S+)" (?<status>\d+) (?<flags>\S+)`,
    String.raw`(?<details>\S+) (?<termination>\S+) "(?<transportFailure>[^"]*)" (?<bytesReceived>\d+)`,
    String.raw`(?<bytesSent>\d+) \d+ \S+ "(?<forwardedFor>[^"]*)" "(?<agent>[^"]*)"`,
    String.raw`"[^"]*" "(?<authority>[^"]*)" "(?<upstreamHost>[^"]*)" (?<cluster>\S+) \S+`,
    String.raw`\S+ \S+ \S+ (?<route>\S+)$`,
  ].join(' '),
);

/** The entry whose User-Agent is `id`, once it is there. */
export function findEntry(lines: readonly string[], id: string): AccessLogEntry | undefined {
  const line = lines.find((each) => each.includes(`"${id}"`));
  if (line === undefined) return undefined;
  const fields = LINE.exec(line.trimEnd())?.groups;
  if (fields === undefined) throw new Error(`not in Istio's access log format: ${line}`);
  const { agent: _, status, bytesReceived, bytesSent, ...texts } = fields;
  return {
    ...(texts as unknown as AccessLogEntry),
    status: Number(status),
    bytesReceived: Number(bytesReceived),
    bytesSent: Number(bytesSent),
  };
}
