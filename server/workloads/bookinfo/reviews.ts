import type { IncomingMessage } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { bookinfoHeaders, pickHeaders } from '../forward-headers.ts';
import { type Answer, json, pathOf, pathParts, text } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';

interface ReviewsDefaults {
  readonly version: 'v1' | 'v2' | 'v3';
  readonly ratings: boolean;
  readonly starColor: string;
}

const reviewTexts: readonly (readonly [reviewer: string, text: string])[] = [
  ['Reviewer1', 'Two pairs of twins, one town and no patience: the slapstick still works, and I laughed aloud.'],
  ['Reviewer2', 'Great fun from start to end, though it stays on the surface more than his later plays do.'],
];

/**
 * Book reviews, as `samples/bookinfo/src/reviews` answers them: v1 without stars, v2 with black and v3 with red ones, asked of ratings.
 * Waits for ratings 10 s with black stars and 2.5 s with any other colour.
 */
export function reviewsImage(defaults: ReviewsDefaults): WorkloadImage {
  return {
    name: `examples-bookinfo-reviews-${defaults.version}`,
    start: (context) =>
      serve(context, envNumber(context, 'PORT', 9080), (request) => reviews(context, defaults, request)),
  };
}

async function reviews(
  context: ContainerContext,
  defaults: ReviewsDefaults,
  request: IncomingMessage,
): Promise<Answer> {
  const [first, id, ...more] = pathParts(pathOf(request));
  if (first === 'health') return json(200, { status: 'Reviews is healthy' });
  if (first !== 'reviews' || id === undefined || !/^-?\d+$/.test(id) || more.length > 0) return text(404, 'Not Found');
  const { env } = context;
  const enabled = env['ENABLE_RATINGS'] === undefined ? defaults.ratings : env['ENABLE_RATINGS'] === 'true';
  const color = env['STAR_COLOR'] ?? defaults.starColor;
  const stars = enabled ? await askRatings({ context, id, color, request }) : {};
  return json(200, {
    id,
    podname: env['HOSTNAME'] ?? 'null',
    clustername: env['CLUSTER_NAME'] ?? 'null',
    reviews: reviewTexts.map(([reviewer, reviewText]) => ({
      reviewer,
      text: reviewText,
      ...(enabled ? { rating: rating(stars[reviewer], color) } : {}),
    })),
  });
}

const rating = (stars: number | undefined, color: string) =>
  stars === undefined ? { error: 'Ratings service is currently unavailable' } : { stars, color };

interface RatingsQuery {
  readonly context: ContainerContext;
  readonly id: string;
  readonly color: string;
  readonly request: IncomingMessage;
}

async function askRatings({ context, id, color, request }: RatingsQuery): Promise<Record<string, number>> {
  const { env } = context;
  const domain = env['SERVICES_DOMAIN'] === undefined ? '' : `.${env['SERVICES_DOMAIN']}`;
  const service = `http://${env['RATINGS_HOSTNAME'] ?? 'ratings'}${domain}:${ratingsPort(env)}/ratings`;
  try {
    const response = await context.fetch(`${service}/${id}`, {
      headers: { accept: 'application/json', ...pickHeaders(request, [...bookinfoHeaders, 'end-user']) },
      timeoutMs: color === 'black' ? 10_000 : 2500,
      signal: context.signal,
    });
    if (response.status === 200) {
      const body = JSON.parse(response.body.toString('utf8')) as { ratings?: Record<string, number> };
      return body.ratings ?? {};
    }
    context.log(`Error: unable to contact ${service} got status of ${response.status}`);
  } catch (thrown) {
    context.log(`Error: unable to contact ${service} got exception ${errorMessage(thrown)}`);
  }
  return {};
}

/** Kubernetes sets `RATINGS_SERVICE_PORT` from the Service of that name. */
const ratingsPort = (env: Readonly<Record<string, string>>): string => env['RATINGS_SERVICE_PORT'] ?? '9080';
