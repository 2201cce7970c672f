/** A range of addresses, each given to one owner. Source: prefixUse in istio pilot/pkg/controllers/ipallocate. */
export interface AddressPool {
  /** Written for a place in the range; the first is 1. */
  readonly format: (place: number) => string;
  /** The place of an address of this range; undefined for others. */
  readonly placeOf: (address: string) => number | undefined;
  readonly size: number;
}

/** 240.240.0.0/16: reserved, so that no packet to it leaves a pod. */
export const V4_POOL: AddressPool = {
  size: 0x1_00_00,
  format: (place) => `240.240.${place >> 8}.${place & 0xff}`,
  placeOf(address) {
    const found = /^240\.240\.(\d{1,3})\.(\d{1,3})$/.exec(address);
    return found === null ? undefined : Number(found[1]) * 256 + Number(found[2]);
  },
};

/** 2001:2::/48, of which as many are used. */
export const V6_POOL: AddressPool = {
  size: 0x1_00_00,
  format: (place) => `2001:2::${place.toString(16)}`,
  placeOf(address) {
    const found = /^2001:2::([0-9a-f]{1,4})$/.exec(address.toLowerCase());
    return found === null ? undefined : Number.parseInt(found[1] ?? '', 16);
  },
};

/** Who has which address of a range. */
export class AddressUse {
  readonly #pool: AddressPool;
  readonly #owners = new Map<number, string>();
  #next = 1;

  constructor(pool: AddressPool) {
    this.#pool = pool;
  }

  /** Notes an address as the owner's; false where it is another's. Addresses of other ranges are anybody's. */
  claim(address: string, owner: string): boolean {
    const place = this.#pool.placeOf(address);
    if (place === undefined) return true;
    const holder = this.#owners.get(place);
    if (holder === undefined) this.#owners.set(place, owner);
    return holder === undefined || holder === owner;
  }

  /** Somebody uses this address without having asked: it is nobody else's from now on. */
  reserve(address: string, owner: string): void {
    const place = this.#pool.placeOf(address);
    if (place !== undefined) this.#owners.set(place, owner);
  }

  /** The next free address; undefined where there is none. */
  take(owner: string): string | undefined {
    const { size, format } = this.#pool;
    for (let tries = 1; tries < size; tries++) {
      const place = this.#next;
      this.#next = place + 1 < size ? place + 1 : 1;
      if (this.#owners.has(place)) continue;
      this.#owners.set(place, owner);
      return format(place);
    }
    return undefined;
  }

  /** Gives up an address, which is the next to be taken if it lies before the others. */
  release(address: string, owner: string): void {
    const place = this.#pool.placeOf(address);
    if (place === undefined || this.#owners.get(place) !== owner) return;
    this.#owners.delete(place);
    this.#next = Math.min(this.#next, place);
  }
}
