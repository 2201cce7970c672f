import type { WorkloadImage } from '../doors.ts';
import { json, pathOf, pathParts } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { troubleOf } from './trouble.ts';
import { signature } from './upstreams.ts';

const stock = [
  { id: 0, title: 'The Comedy of Errors', inStock: 12 },
  { id: 1, title: 'Twelfth Night', inStock: 3 },
] as const;

/** Knows how many books are left; calls nobody. Environment: PORT (8080), and the troubles of `troubleOf`. */
export const inventoryImage: WorkloadImage = {
  name: 'inventory',
  start: (context) => {
    const trouble = troubleOf(context);
    return serve(context, envNumber(context, 'PORT', 8080), async (request) => {
      const who = signature(context, 'inventory');
      const path = pathOf(request);
      if (path === '/health') return json(200, { ...who, status: 'healthy' });
      const failure = await trouble();
      if (failure !== undefined) return json(failure, { ...who, error: 'made to fail' });
      const id = pathParts(path).at(-1);
      const items = id !== undefined && /^\d+$/.test(id) ? stock.filter((item) => item.id === Number(id)) : stock;
      return json(200, { ...who, items });
    });
  },
};
