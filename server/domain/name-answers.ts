/** One record of a DNS answer; names are absolute, without the last dot. */
export interface NameRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME';
  readonly ttlS: number;
  /** An address, or the name that this one stands for. */
  readonly value: string;
}

/** What a name server says to a question. Without records, NOERROR says that the name has none of that type. */
export interface NameAnswer {
  readonly code: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL';
  /** The server is the one that knows. */
  readonly authoritative: boolean;
  readonly records: readonly NameRecord[];
}

/** Asks a name server for an absolute name, given without its last dot, as a stub resolver does: once, for one type. */
export type AskNames = (name: string, type: string) => NameAnswer;

export const NO_SUCH_NAME: NameAnswer = { code: 'NXDOMAIN', authoritative: false, records: [] };
export const NO_ANSWER: NameAnswer = { code: 'SERVFAIL', authoritative: false, records: [] };
