import type { ContainerContext } from '../../doors.ts';

/** What forwarding needs around it. */
export type EchoWorld = Pick<ContainerContext, 'clock' | 'fetch' | 'dial'>;

/** No command or call sends more. */
export const MAX_ECHO_REQUESTS = 10_000;

/** What one command of the echo client, or one ForwardEcho, asks for. */
export interface EchoRequest {
  /** As it was typed, with a scheme. */
  readonly url: string;
  readonly scheme: string;
  readonly count: number;
  readonly qps: number;
  readonly timeoutMs: number;
  /** Names as they were typed. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The header Host, which is none of `headers`. */
  readonly host: string | undefined;
  readonly method: string;
  readonly message: string;
  readonly expected: string | undefined;
  readonly http2: boolean;
  readonly followsRedirects: boolean;
  readonly serverFirst: boolean;
  readonly tls: EchoTls;
}

export interface EchoTls {
  readonly alpn: readonly string[] | undefined;
  readonly serverName: string | undefined;
  /** PEM; absent: whatever the server shows will do. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}
