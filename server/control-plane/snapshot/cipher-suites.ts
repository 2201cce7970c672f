/** The cipher suites of BoringSSL, without those for pre-shared keys. */
const CIPHERS: ReadonlySet<string> = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
  'DES-CBC3-SHA',
]);

/** Whether a name is an expression, such as `-ALL`, or one of the words that stand for many. */
const isExpression = (suite: string): boolean => suite === '' || suite === 'ALL' || !/^[\p{L}\p{N}]/u.test(suite);

/** Names of suites without those that Envoy does not have, each once. Source: FilterCipherSuites in istio pkg/config/security. */
export const knownCiphers = (suites: readonly string[]): string[] => [
  ...new Set(suites.filter((suite) => isExpression(suite) || CIPHERS.has(suite))),
];
