/** The flags of Istio's echo server that matter here. */
export interface EchoAppFlags {
  readonly httpPorts: readonly number[];
  readonly grpcPorts: readonly number[];
  readonly tcpPorts: readonly number[];
  readonly tlsPorts: ReadonlySet<number>;
  readonly serverFirstPorts: ReadonlySet<number>;
  /** Ports that are bound to 127.0.0.1 alone, and to the pod's address alone. */
  readonly localhostPorts: ReadonlySet<number>;
  readonly podIpPorts: ReadonlySet<number>;
  readonly version: string;
  readonly cluster: string;
  readonly istioVersion: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** `--port 8080`, `--port=8080`, each as often as there are ports. Flags without meaning here are passed over. */
export function readFlags(words: readonly string[]): EchoAppFlags {
  const values = new Map<string, string[]>();
  for (let at = 0; at < words.length; at++) {
    const [, name, inline] = /^--([\w-]+)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    if (name === undefined) continue;
    const next = words[at + 1];
    const value = inline ?? (next === undefined || next.startsWith('--') ? '' : (words[++at] ?? ''));
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const ports = (name: string, fallback: readonly number[] = []): number[] =>
    (values.get(name) ?? fallback.map(String))
      .flatMap((text) => text.split(','))
      .map(Number)
      .filter((port) => port > 0);
  const text = (name: string): string => values.get(name)?.at(-1) ?? '';
  return {
    httpPorts: ports('port', [8080]),
    grpcPorts: ports('grpc', [7070]),
    tcpPorts: ports('tcp', [9090]),
    tlsPorts: new Set([...ports('tls'), ...ports('mtls')]),
    serverFirstPorts: new Set(ports('server-first')),
    localhostPorts: new Set(ports('bind-localhost')),
    podIpPorts: new Set(ports('bind-ip')),
    version: text('version'),
    cluster: text('cluster'),
    istioVersion: text('istio-version'),
    certFile: text('crt'),
    keyFile: text('key'),
  };
}
