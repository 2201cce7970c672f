import type { WorkloadImage } from '../doors.ts';
import { json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { askUpstream, carriedHeaders, signature, timeoutOf, upstreams } from './upstreams.ts';

/**
 * Asks every service in UPSTREAMS at the same time and answers with what they said. Its status is 200 when all of them answered well,
 * the worst status among them when one did not, and 502 when one could not be reached. Environment: UPSTREAMS, TIMEOUT_MS (0), PORT (8080).
 */
export const frontendImage: WorkloadImage = {
  name: 'frontend',
  start: (context) =>
    serve(context, envNumber(context, 'PORT', 8080), async (request) => {
      const who = signature(context, 'frontend');
      if (pathOf(request) === '/health') return json(200, { ...who, status: 'healthy' });
      const options = { headers: carriedHeaders(request), ...timeoutOf(context, 0) };
      const path = request.url ?? '/';
      const answers = await Promise.all(
        upstreams(context).map((base) => askUpstream(context, base.replace(/\/$/, '') + path, options)),
      );
      const status = answers.reduce(
        (worst, { status: seen }) => Math.max(worst, seen === 0 ? 502 : seen < 400 ? 200 : seen),
        200,
      );
      return json(status, { ...who, upstreams: answers });
    }),
};
