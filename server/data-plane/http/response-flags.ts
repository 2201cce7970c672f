/** Response flags in the order in which Envoy prints them (StreamInfo's CoreResponseFlag). */
export const FLAG_ORDER = [
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
] as const;

export type ResponseFlag = (typeof FLAG_ORDER)[number];

const PLACE: ReadonlyMap<string, number> = new Map(FLAG_ORDER.map((flag, place) => [flag, place]));

/** `flags` with `flag` at its place; the same list when it already holds it. */
export function withFlag(flags: readonly ResponseFlag[], flag: ResponseFlag): readonly ResponseFlag[] {
  if (flags.includes(flag)) return flags;
  return [...flags, flag].sort((a, b) => (PLACE.get(a) ?? 0) - (PLACE.get(b) ?? 0));
}
