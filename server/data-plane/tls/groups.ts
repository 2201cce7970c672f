/** Names that Envoy's library takes, and what OpenSSL calls the same groups. */
const GROUPS: Readonly<Record<string, string>> = {
  X25519MLKEM768: 'X25519MLKEM768',
  MLKEM1024: 'MLKEM1024',
  X25519: 'X25519',
  x25519: 'X25519',
  'P-256': 'P-256',
  prime256v1: 'P-256',
  'P-384': 'P-384',
  secp384r1: 'P-384',
  'P-521': 'P-521',
  secp521r1: 'P-521',
};

/** Their numbers (IANA, TLS Supported Groups). */
const NUMBERS: Readonly<Record<string, number>> = {
  'P-256': 23,
  'P-384': 24,
  'P-521': 25,
  X25519: 29,
  MLKEM1024: 514,
  X25519MLKEM768: 4588,
};

/** What both sides agree on unless they are told otherwise. */
export const DEFAULT_GROUPS: readonly string[] = ['X25519MLKEM768', 'X25519', 'P-256'];

/** Groups of `ecdh_curves` by their first names; undefined where one is unknown. */
export function readGroups(names: readonly string[]): string[] | undefined {
  const known = names.flatMap((name) => name.split(':')).map((name) => GROUPS[name]);
  return known.every((name) => name !== undefined) ? (known as string[]) : undefined;
}

/**
 * OpenSSL's list for a side. A server's first group that the client has is taken, even where the client has to come again with a share
 * of it; a client sends a share of its first, and with a hybrid one also of the next.
 */
export function groupList(groups: readonly string[], side: 'client' | 'server'): string {
  if (side === 'server') return groups.join('/');
  const shares = /MLKEM/.test(groups[0] ?? '') ? 2 : 1;
  return groups.map((name, at) => (at < shares ? `*${name}` : name)).join(':');
}

/**
 * The group that a server has taken, the first of its own that the client has; empty where keys were exchanged without one. TLS 1.2 knows
 * no hybrid ones. Node tells it to clients alone.
 */
export function takenGroup(
  own: readonly string[],
  offered: readonly number[],
  { version, cipher }: { readonly version: string; readonly cipher: string },
): string {
  const recent = version === 'TLSv1.3';
  if (!recent && !cipher.startsWith('ECDHE')) return '';
  return own.find((name) => (recent || !name.includes('MLKEM')) && offered.includes(NUMBERS[name] ?? 0)) ?? '';
}
