/** Envoy's response flags (StreamInfo's CoreResponseFlag). */
export type ResponseFlag =
  | 'LH'
  | 'UH'
  | 'UT'
  | 'LR'
  | 'UR'
  | 'UF'
  | 'UC'
  | 'UO'
  | 'NR'
  | 'DI'
  | 'FI'
  | 'RL'
  | 'UAEX'
  | 'RLSE'
  | 'DC'
  | 'URX'
  | 'SI'
  | 'IH'
  | 'DPE'
  | 'UMSDR'
  | 'RFCF'
  | 'NFCF'
  | 'DT'
  | 'UPE'
  | 'NC'
  | 'OM'
  | 'DF'
  | 'DO'
  | 'DR'
  | 'UDO';

/** `flags` with `flag` at the end, as Envoy prints them: in the order in which they were set. The same list when it already holds it. */
export function withFlag(flags: readonly ResponseFlag[], flag: ResponseFlag): readonly ResponseFlag[] {
  return flags.includes(flag) ? flags : [...flags, flag];
}
