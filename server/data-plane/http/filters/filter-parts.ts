import type { Stats } from '../../stats/stats.ts';
import type { AnswerFilter } from '../answer-filters.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';

/** What a filter does with requests, and with every answer, whoever gives it. */
export interface FilterParts {
  readonly decode?: RequestLayer;
  readonly encode?: AnswerFilter;
  /** Figures that are shown from its start, by the place where they stand behind `http.<prefix>.` */
  readonly figures?: Readonly<Record<string, readonly string[]>>;
  /** Shows further figures from its start; those of the connection manager begin with `prefix`. */
  readonly declare?: (stats: Stats, prefix: string) => void;
}

/** Whether a filter takes part in a request: the destination says so, else the route, else the listener. */
export const takesPart = ({ route, share }: Exchange, name: string, off: boolean): boolean =>
  share?.switches?.get(name) ?? route?.switches?.get(name) ?? !off;
