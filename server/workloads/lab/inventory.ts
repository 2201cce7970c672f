import type { WorkloadImage } from '../doors.ts';
import { json, pathOf, pathParts } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { signature } from './upstreams.ts';

const stock = [
  { id: 0, title: 'The Comedy of Errors', inStock: 12 },
  { id: 1, title: 'Twelfth Night', inStock: 3 },
] as const;

/**
 * Knows how many books are left; calls nobody. Environment: PORT (8080), DELAY_MS (0) before each answer, FAIL_PERCENT (0) of the
 * answers that are FAIL_STATUS (503) instead.
 */
export const inventoryImage: WorkloadImage = {
  name: 'inventory',
  start: (context) => {
    const delayMs = envNumber(context, 'DELAY_MS', 0);
    const failShare = envNumber(context, 'FAIL_PERCENT', 0) / 100;
    const failStatus = Math.trunc(Math.min(599, Math.max(400, envNumber(context, 'FAIL_STATUS', 503))));
    return serve(context, envNumber(context, 'PORT', 8080), async (request) => {
      const who = signature(context, 'inventory');
      const path = pathOf(request);
      if (path === '/health') return json(200, { ...who, status: 'healthy' });
      if (delayMs > 0) await new Promise<void>((resolve) => context.clock.after(delayMs, resolve));
      if (failShare > 0 && context.random.next() < failShare)
        return json(failStatus, { ...who, error: 'made to fail' });
      const id = pathParts(path).at(-1);
      const items = id !== undefined && /^\d+$/.test(id) ? stock.filter((item) => item.id === Number(id)) : stock;
      return json(200, { ...who, items });
    });
  },
};
