import type { AnswerFilter } from '../answer-filters.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';

/** What a filter does with requests, and with every answer, whoever gives it. */
export interface FilterParts {
  readonly decode?: RequestLayer;
  readonly encode?: AnswerFilter;
  /** Figures that are shown from its start, by the place where they stand behind `http.<prefix>.` */
  readonly figures?: Readonly<Record<string, readonly string[]>>;
  /** Figures that are shown from its start and stand under no connection manager. */
  readonly apart?: {
    readonly place: string;
    readonly names: readonly string[];
    readonly gauges?: readonly string[];
    readonly histograms?: readonly string[];
  };
}

/** Whether a filter takes part in a request: the route says so, else the listener. */
export const takesPart = ({ route }: Exchange, name: string, off: boolean): boolean =>
  route?.switches?.get(name) ?? !off;
