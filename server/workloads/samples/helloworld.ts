import type { WorkloadImage } from '../doors.ts';
import { json, pathOf, text } from '../respond.ts';
import { serve } from '../serve.ts';

const PORT = 5000;

/** Istio's helloworld: says which version and which pod answers. */
export const helloworldImages: readonly WorkloadImage[] = ['v1', 'v2'].map((version) => ({
  name: `examples-helloworld-${version}`,
  start: (context) =>
    serve(context, PORT, (request) => {
      const shown = context.env['SERVICE_VERSION'] ?? version;
      if (pathOf(request) === '/health') return text(200, 'Helloworld is healthy');
      if (pathOf(request) !== '/hello') return json(404, { error: 'Not Found' });
      return {
        status: 200,
        type: 'text/html; charset=utf-8',
        body: `Hello version: ${shown}, instance: ${context.env['HOSTNAME'] ?? ''}\n`,
      };
    }),
}));
