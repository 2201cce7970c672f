const REMEMBERED = 1000;

/** Streams that this side reset lately: late frames of theirs are dropped without complaint (RFC 9113 §5.4.2). */
export class RecentResets {
  readonly #ids = new Set<number>();

  has(streamId: number): boolean {
    return this.#ids.has(streamId);
  }

  add(streamId: number): void {
    this.#ids.add(streamId);
    if (this.#ids.size <= REMEMBERED) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }
}
