import { isIP } from 'node:net';
import type { SocketAddress } from '#domain';

/** What a filter has left under a name. */
export interface KeptValue {
  readonly text: string;
  /** Formats show it without being told how. */
  readonly shown: boolean;
  /** Where it is an address. */
  readonly address?: SocketAddress | undefined;
  /** Hash policies take it for something to hash. */
  readonly hashable?: boolean;
  /** Formats can ask for its `ip` and `port` alone. */
  readonly hasFields?: boolean;
}

/** What filters leave under a name for later filters, routes and logs; the last one counts. Source: StreamInfo::FilterState in Envoy. */
export class FilterState {
  readonly #kept = new Map<string, KeptValue>();

  keep(key: string, value: KeptValue): void {
    this.#kept.set(key, value);
  }

  of(key: string): string | undefined {
    return this.#kept.get(key)?.text;
  }

  valueOf(key: string): KeptValue | undefined {
    return this.#kept.get(key);
  }

  /** All by name, as expressions see them: texts, or what has fields. */
  all(): Readonly<Record<string, unknown>> {
    const seen = ({ address, hasFields, text }: KeptValue): unknown =>
      address !== undefined && hasFields === true ? { ip: address.ip, port: BigInt(address.port) } : text;
    return Object.fromEntries([...this.#kept].map(([key, value]) => [key, seen(value)]));
  }
}

/** Reads `10.0.0.1:80` or `[::1]:80`. */
export function readAddress(text: string): SocketAddress | undefined {
  const [, host = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const ip = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const port = Number(digits);
  return port > 65_535 || isIP(ip) === 0 || (isIP(ip) === 6 && ip === host) ? undefined : { ip, port };
}
