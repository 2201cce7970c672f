import type { Stats } from '../../stats/stats.ts';
import type { AnswerFilter } from '../answer-filters.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';

/** What a filter does with requests, and with every answer, whoever gives it. */
export interface FilterParts {
  readonly decode?: RequestLayer;
  readonly encode?: AnswerFilter;
  /** Figures that are shown from its start, by the place where they stand behind `http.<prefix>.` */
  readonly figures?: Readonly<Record<string, readonly string[]>>;
  /** Shows figures from its start that stand under no connection manager. */
  readonly declare?: (stats: Stats) => void;
}

/** Whether a filter takes part in a request: the route says so, else the listener. */
export const takesPart = ({ route }: Exchange, name: string, off: boolean): boolean =>
  route?.switches?.get(name) ?? !off;
