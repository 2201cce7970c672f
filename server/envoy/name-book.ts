import type { SocketAddress } from '#domain';

const MOST_PORTS = 64;

/** Which names a proxy may ask for, and at which ports it dials what they resolve to. */
export class NameBook {
  readonly #ports = new Map<string, Set<number>>();

  note(name: string, port: number): void {
    const key = keyOf(name);
    const ports = this.#ports.get(key) ?? new Set();
    if (ports.size < MOST_PORTS) ports.add(port);
    this.#ports.set(key, ports);
  }

  /** Where the proxy may connect to when it is told that the name has this address. */
  placesOf(name: string, ip: string): SocketAddress[] {
    return [...(this.#ports.get(keyOf(name)) ?? [])].map((port) => ({ ip, port }));
  }
}

const keyOf = (name: string): string => name.toLowerCase().replace(/\.$/, '');
