import type { WorkloadImage } from '../doors.ts';
import { json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { signature } from './upstreams.ts';

/** Answers with its own version, which is all that a traffic split needs. Environment: PORT (8080), SERVICE_VERSION. */
export const labReviewsImage: WorkloadImage = {
  name: 'reviews',
  start: (context) =>
    serve(context, envNumber(context, 'PORT', 8080), (request) => {
      const who = signature(context, 'reviews');
      return pathOf(request) === '/health'
        ? json(200, { ...who, status: 'healthy' })
        : json(200, { ...who, path: pathOf(request) }, { 'x-version': who.version });
    }),
};
