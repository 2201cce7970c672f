import type { Rejection, TypeUrl, XdsUpdate } from '#xds';

/** A resource that was refused, and what was said of it. */
export interface FailedUpdate {
  readonly atMs: number;
  readonly versionInfo: string;
  readonly resource: object;
  readonly details: string;
}

/** When each resource was taken over, and what became of the last attempt, for `/config_dump`. */
export class UpdateLog {
  readonly #takenAt = new Map<string, number>();
  readonly #failed = new Map<string, FailedUpdate>();

  note(update: XdsUpdate, rejections: readonly Rejection[], atMs: number): void {
    const { typeUrl, versionInfo } = update;
    const refused = new Map(rejections.map(({ name, message }) => [name, message]));
    for (const { name, resource } of update.upserted) {
      const key = keyOf(typeUrl, name);
      const details = refused.get(name);
      if (details === undefined) {
        this.#takenAt.set(key, atMs);
        this.#failed.delete(key);
      } else {
        this.#failed.set(key, { atMs, versionInfo, resource, details });
      }
    }
    for (const name of update.removed) {
      this.#takenAt.delete(keyOf(typeUrl, name));
      this.#failed.delete(keyOf(typeUrl, name));
    }
  }

  /** Undefined: not by xDS. */
  takenAt(typeUrl: TypeUrl, name: string): number | undefined {
    return this.#takenAt.get(keyOf(typeUrl, name));
  }

  /** Those of a type whose last update was refused. */
  failed(typeUrl: TypeUrl): ReadonlyMap<string, FailedUpdate> {
    const prefix = keyOf(typeUrl, '');
    const own = [...this.#failed].filter(([key]) => key.startsWith(prefix));
    return new Map(own.map(([key, failed]) => [key.slice(prefix.length), failed]));
  }
}

const keyOf = (typeUrl: TypeUrl, name: string): string => `${typeUrl} ${name}`;
