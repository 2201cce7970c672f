import type { ResponseFlag } from '../http/response-flags.ts';

/** Envoy's order of response flags; each is one bit of the attribute `response.flags`. Source: CoreResponseFlag, stream_info.h. */
const ORDER: readonly ResponseFlag[] = [
  'LH',
  'UH',
  'UT',
  'LR',
  'UR',
  'UF',
  'UC',
  'UO',
  'NR',
  'DI',
  'FI',
  'RL',
  'UAEX',
  'RLSE',
  'DC',
  'URX',
  'SI',
  'IH',
  'DPE',
  'UMSDR',
  'RFCF',
  'NFCF',
  'DT',
  'UPE',
  'NC',
  'OM',
  'DF',
  'DO',
  'DR',
  'UDO',
];

export const flagBits = (flags: readonly ResponseFlag[]): number =>
  flags.reduce((bits, flag) => bits + 2 ** ORDER.indexOf(flag), 0);
