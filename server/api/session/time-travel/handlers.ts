import type { Params, TimeTravelResults } from '#contract';
import type { LabSession } from '../lab-session.ts';

type TimeTravelHandlers = {
  readonly [M in keyof TimeTravelResults]: (
    session: LabSession,
    params: Params<M>,
  ) => TimeTravelResults[M] | Promise<TimeTravelResults[M]>;
};

export const timeTravelHandlers: TimeTravelHandlers = {
  'time.moment': ({ timeTravel }, params) => timeTravel.moment(params),
  'time.line': ({ timeTravel }) => timeTravel.line(),
  'time.restore': ({ timeTravel }, { push }) => timeTravel.restore(push),
  'time.replay': ({ timeTravel }, params) => timeTravel.replay(params),
  'bisect.start': ({ timeTravel }, params) => timeTravel.startBisect(params),
  'bisect.mark': ({ timeTravel }, { verdict }) => timeTravel.markBisect(verdict),
};
