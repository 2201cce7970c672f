/** A suite of TLS 1.2 and below: OpenSSL's name, the standard's, its number. */
interface Suite {
  readonly name: string;
  readonly standard: string;
  readonly id: number;
  /** Left out of `ALL`. */
  readonly old: boolean;
}

/** Suites of equal rank, of which the client's order chooses; most stand alone. */
export type CipherRank = readonly Suite[];

/** Those that Envoy's library has and a proxy can use, in its own order. */
const SUITES: readonly Suite[] = (
  [
    ['ECDHE-ECDSA-AES128-GCM-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 0xc02b],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 0xc02f],
    ['ECDHE-ECDSA-AES256-GCM-SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 0xc02c],
    ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 0xc030],
    ['ECDHE-ECDSA-CHACHA20-POLY1305', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 0xcca9],
    ['ECDHE-RSA-CHACHA20-POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 0xcca8],
    ['ECDHE-ECDSA-AES128-SHA', 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 0xc009],
    ['ECDHE-RSA-AES128-SHA', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 0xc013],
    ['ECDHE-ECDSA-AES256-SHA', 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 0xc00a],
    ['ECDHE-RSA-AES256-SHA', 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 0xc014],
    ['ECDHE-ECDSA-AES128-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 0xc023, 'old'],
    ['ECDHE-RSA-AES128-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 0xc027, 'old'],
    ['AES128-GCM-SHA256', 'TLS_RSA_WITH_AES_128_GCM_SHA256', 0x9c],
    ['AES256-GCM-SHA384', 'TLS_RSA_WITH_AES_256_GCM_SHA384', 0x9d],
    ['AES128-SHA', 'TLS_RSA_WITH_AES_128_CBC_SHA', 0x2f],
    ['AES256-SHA', 'TLS_RSA_WITH_AES_256_CBC_SHA', 0x35],
    ['DES-CBC3-SHA', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA', 0x0a, 'old'],
  ] as const
).map(([name, standard, id, old]) => ({ name, standard, id, old: old !== undefined }));

/** Suites of TLS 1.3, which no configuration chooses among. */
const NEWEST = [
  { name: 'TLS_AES_128_GCM_SHA256', id: 0x1301 },
  { name: 'TLS_AES_256_GCM_SHA384', id: 0x1302 },
  { name: 'TLS_CHACHA20_POLY1305_SHA256', id: 0x1303 },
];

/** Words for several suites at once; others are parts of their names. */
const MANY: Readonly<Record<string, (suite: Suite) => boolean>> = {
  ALL: ({ old }) => !old,
  DEFAULT: ({ old }) => !old,
  HIGH: ({ old }) => !old,
  AES: ({ name }) => name.includes('AES'),
  AESGCM: ({ name }) => name.includes('-GCM-'),
  CHACHA20: ({ name }) => name.includes('CHACHA20'),
  '3DES': ({ name }) => name.startsWith('DES-'),
  ECDHE: ({ name }) => name.startsWith('ECDHE-'),
  kECDHE: ({ name }) => name.startsWith('ECDHE-'),
  kRSA: ({ name }) => !name.startsWith('ECDHE-'),
  RSA: ({ name }) => !name.startsWith('ECDHE-'),
  aRSA: ({ name }) => !name.includes('ECDSA'),
  ECDSA: ({ name }) => name.includes('ECDSA'),
  aECDSA: ({ name }) => name.includes('ECDSA'),
};
const SEPARATOR = /[: ;,]/;

/** Names that mean no suite. A configuration with one of them is refused. */
export function unknownCiphers(rules: readonly string[]): string[] {
  const words = rules.flatMap((rule) => rule.split(/[: ;,|]/));
  const names = words.map((word) => word.replaceAll(/^[-+![]+|\]$/g, ''));
  return names.filter((name) => name !== '' && named(name).length === 0);
}

/** `AES128-SHA`, `ECDHE+AESGCM`, `ALL`. */
function named(name: string): Suite[] {
  const own = SUITES.filter((suite) => suite.name === name || suite.standard === name);
  if (own.length > 0) return own;
  const tests = name.split('+').map((word) => (Object.hasOwn(MANY, word) ? MANY[word] : undefined));
  return SUITES.filter((suite) => tests.every((test) => test?.(suite) === true));
}

/**
 * Suites by their rank, from rules as `cipher_suites` holds them: names, `[A|B]` of equal rank, `-A` takes out, `!A` for good, `+A` puts
 * last. What is unknown counts for nothing.
 */
export function rankCiphers(rules: readonly string[]): CipherRank[] {
  let ranks: CipherRank[] = [];
  const gone = new Set<Suite>();
  const without = (out: readonly Suite[]): CipherRank[] =>
    ranks.map((rank) => rank.filter((suite) => !out.includes(suite))).filter((rank) => rank.length > 0);
  for (const rule of rules.flatMap((each) => each.split(SEPARATOR)).filter((each) => each !== '')) {
    const [, operator = '', word = ''] = /^([-+!]?)(.*)$/.exec(rule) ?? [];
    const meant = word.startsWith('[') ? word.slice(1, -1).split('|').flatMap(named) : named(word);
    const held = ranks.flat();
    if (operator === '-' || operator === '!') ranks = without(meant);
    if (operator === '!') for (const suite of meant) gone.add(suite);
    if (operator === '+')
      ranks = [...without(meant), ...meant.filter((suite) => held.includes(suite)).map((one) => [one])];
    if (operator !== '') continue;
    const fresh = meant.filter((suite) => !held.includes(suite) && !gone.has(suite));
    ranks = [...ranks, ...(word.startsWith('[') && fresh.length > 0 ? [fresh] : fresh.map((suite) => [suite]))];
  }
  return ranks;
}

/** What both sides agree on unless they are told otherwise. Source: DEFAULT_CIPHER_SUITES of Envoy's context configurations. */
export const DEFAULT_CIPHERS: readonly CipherRank[] = rankCiphers([
  '[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]',
  '[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
]);

/**
 * The list that OpenSSL is given. `offered`, a client's numbers in its order: suites of equal rank, and those of TLS 1.3, stand in that
 * order, because OpenSSL knows no ranks.
 */
export function cipherList(ranks: readonly CipherRank[], offered: readonly number[] = []): string {
  const place = ({ id }: { readonly id: number }): number => {
    const at = offered.indexOf(id);
    return at < 0 ? offered.length : at;
  };
  const inOrder = <T extends { readonly id: number }>(rank: readonly T[]): T[] =>
    rank.length < 2 ? [...rank] : [...rank].sort((one, other) => place(one) - place(other));
  return [...inOrder(NEWEST), ...ranks.flatMap(inOrder)].map(({ name }) => name).join(':');
}
