import type { RequestView } from '#contract';
import type { Clock } from '#domain';
import type { Sandbox } from '#sandbox';
import type { RequestSummary } from '#telemetry';
import { createThrottle, type Emit } from './ports.ts';
import { meshView, requestView } from './views.ts';

const REQUESTS_EVERY_MS = 100;
const MESH_EVERY_MS = 1000;
/** A page shows a list, not a flood: beyond this many in one turn they are counted and left out. */
const MAX_PER_TURN = 60;

/** Streams requests and the mesh map to the pages, at a pace that a browser can draw. */
export interface Feeds {
  stop(): void;
}

export function startFeeds(sandbox: Sandbox, emit: Emit, clock: Clock): Feeds {
  let waiting: RequestView[] = [];
  let dropped = 0;
  let stopped = false;
  const requests = createThrottle(clock, REQUESTS_EVERY_MS, () => {
    emit({ type: 'requests', requests: waiting, dropped });
    waiting = [];
    dropped = 0;
  });
  const endRequests = sandbox.hops.onRequest((request: RequestSummary) => {
    if (waiting.length < MAX_PER_TURN) waiting.push(requestView(request));
    else dropped += 1;
    requests.poke();
  });
  const drawMap = (): void => {
    if (stopped) return;
    emit({ type: 'mesh', mesh: meshView(sandbox) });
    clock.after(MESH_EVERY_MS, drawMap);
  };
  clock.after(MESH_EVERY_MS, drawMap);
  return {
    stop: () => {
      stopped = true;
      endRequests();
      requests.stop();
    },
  };
}
