import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bodyOf, eventually, type RunningImage, TestNet } from './support.ts';

const hub = 'registry.istio.io/release/examples-bookinfo-';

describe('Bookinfo', () => {
  let net: TestNet;
  beforeEach(() => {
    net = new TestNet();
  });
  afterEach(() => net.close());

  const page = async (images: { reviews?: string } = {}): Promise<RunningImage> => {
    await net.run(`${hub}details-v1:1.20.3`, 'details');
    await net.run(`${hub}ratings-v1:1.20.3`, 'ratings');
    await net.run(`${hub}reviews-${images.reviews ?? 'v1'}:1.20.3`, 'reviews');
    return net.run(`${hub}productpage-v1:1.20.3`, 'productpage');
  };
  const htmlOf = async (running: RunningImage, headers: Record<string, string> = {}): Promise<string> =>
    (await running.get('/productpage', { headers })).body.toString('utf8');

  it('details answers the facts of a book and refuses an id that is no number', async () => {
    const details = await net.run(`${hub}details-v1`, 'details');
    const good = await details.get('/details/7');
    expect(bodyOf(good)).toMatchObject({ id: 7, author: 'William Shakespeare', pages: 200, 'ISBN-10': '1234567890' });
    const bad = await details.get('/details/seven');
    expect([bad.status, bodyOf(bad)]).toEqual([400, { error: 'please provide numeric product id' }]);
    expect(bodyOf(await details.get('/health'))).toEqual({ status: 'Details is healthy' });
  });

  it('ratings keeps what was posted and answers 5 and 4 stars otherwise', async () => {
    const ratings = await net.run(`${hub}ratings-v1`, 'ratings');
    expect(bodyOf(await ratings.get('/ratings/0'))).toEqual({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } });
    await ratings.get('/ratings/0', { method: 'POST', body: '{"Reviewer1":1}' });
    expect(bodyOf(await ratings.get('/ratings/0'))).toEqual({ id: 0, ratings: { Reviewer1: 1 } });
    expect((await ratings.get('/ratings/0', { method: 'POST', body: '{' })).status).toBe(400);
    expect((await ratings.get('/ratings/x')).status).toBe(400);
    expect((await ratings.get('/elsewhere')).status).toBe(404);
  });

  it.each([
    ['v1', undefined],
    ['v2', { stars: 5, color: 'black' }],
    ['v3', { stars: 5, color: 'red' }],
  ])('reviews %s answers with the rating %j', async (version, rating) => {
    await net.run(`${hub}ratings-v1`, 'ratings');
    const reviews = await net.run(`${hub}reviews-${version}`, 'reviews');
    const body = bodyOf<{ reviews: { reviewer: string; rating?: unknown }[] }>(await reviews.get('/reviews/0'));
    expect(body).toMatchObject({ id: '0', podname: 'reviews-1', clustername: 'null' });
    expect(body.reviews.map(({ reviewer }) => reviewer)).toEqual(['Reviewer1', 'Reviewer2']);
    expect(body.reviews[0]?.rating).toEqual(rating);
  });

  it.each([
    ['v2', 10_000],
    ['v3', 2500],
  ])('reviews %s waits %i ms for ratings and then says that they are unavailable', async (version, limitMs) => {
    let asked = false;
    await net.serve('ratings', () => {
      asked = true;
    });
    const reviews = await net.run(`${hub}reviews-${version}`, 'reviews');
    const answer = reviews.get('/reviews/0');
    await eventually(() => asked);
    net.clock.advance(limitMs - 1);
    expect(net.clock.waiting).toBe(1);
    net.clock.advance(1);
    const body = bodyOf<{ reviews: { rating: unknown }[] }>(await answer);
    expect(body.reviews[1]?.rating).toEqual({ error: 'Ratings service is currently unavailable' });
  });

  it('the page shows title, details and reviews with stars of the right colour', async () => {
    const html = await htmlOf(await page({ reviews: 'v3' }));
    expect(html).toContain('<title>Simple Bookstore App</title>');
    expect(html).toContain('<h1>The Comedy of Errors</h1>');
    expect(html).toContain('PublisherA');
    expect(html).toContain('class="stars red"');
    expect(html).toContain('★★★★☆');
    expect(html).toContain('Reviews served by: reviews-1');
  });

  it('the page tells what is missing and stays 200', async () => {
    const running = await page();
    net.remove('details');
    net.remove('reviews');
    const response = await running.get('/productpage');
    expect(response.status).toBe(200);
    const html = response.body.toString('utf8');
    expect(html).toContain('Error fetching product details');
    expect(html).toContain('Sorry, product details are currently unavailable for this book.');
    expect(html).toContain('Error fetching product reviews');
    expect(html).toContain('Sorry, product reviews are currently unavailable for this book.');
  });

  it('the page asks reviews twice, three seconds each, before it gives up', async () => {
    const running = await page();
    let asked = 0;
    await net.serve('reviews', () => {
      asked++;
    });
    const answer = htmlOf(running);
    await eventually(() => asked === 1);
    net.clock.advance(3000);
    await eventually(() => asked === 2);
    net.clock.advance(3000);
    expect(await answer).toContain('Sorry, product reviews are currently unavailable for this book.');
  });

  it('the API passes on the status of the service that failed', async () => {
    const running = await page();
    expect(bodyOf(await running.get('/api/v1/products'))).toMatchObject([{ id: 0, title: 'The Comedy of Errors' }]);
    expect(bodyOf(await running.get('/api/v1/products/0'))).toMatchObject({ id: 0, language: 'English' });
    expect((await running.get('/api/v1/products/0/ratings')).status).toBe(200);
    net.remove('ratings');
    const failed = await running.get('/api/v1/products/0/ratings');
    expect([failed.status, bodyOf(failed)]).toEqual([
      500,
      { error: 'Sorry, product ratings are currently unavailable for this book.' },
    ]);
  });

  it('a signed-in user becomes the end-user header of the calls behind the page', async () => {
    const running = await page();
    const seen: (string | undefined)[] = [];
    await net.serve('reviews', (request, response) => {
      seen.push(request.headers['end-user'] as string | undefined);
      response.end('{"podname":"p","clustername":"null","reviews":[]}');
    });
    const login = await running.get('/login', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', referer: 'http://shop.test/productpage?u=test' },
      body: 'username=jason&passwd=x',
    });
    expect([login.status, login.headers['location']]).toEqual([302, '/productpage?u=test']);
    const cookie = (login.headers['set-cookie'] ?? '').split(';')[0] ?? '';
    expect(await htmlOf(running, { cookie })).toContain('jason');
    await htmlOf(running, { cookie: `${cookie}x` });
    await htmlOf(running, { 'end-user': 'jason' });
    expect(seen).toEqual(['jason', undefined, undefined]);
    const logout = await running.get('/logout', { headers: { cookie } });
    expect(logout.headers['set-cookie']).toContain('Max-Age=0');
  });

  it('forwards trace headers and nothing that it was not told to', async () => {
    const running = await page();
    let headers: Record<string, unknown> = {};
    await net.serve('details', (request, response) => {
      headers = request.headers;
      response.end('{}');
    });
    await htmlOf(running, { 'x-request-id': 'r-1', 'x-b3-traceid': 'abc', traceparent: 't', 'x-secret': 's' });
    expect(headers).toMatchObject({ 'x-request-id': 'r-1', 'x-b3-traceid': 'abc', traceparent: 't' });
    expect(headers).not.toHaveProperty('x-secret');
  });

  it('writes a user name into the page as text, never as markup', async () => {
    const running = await page();
    const login = await running.get('/login', { method: 'POST', body: 'username=%3Cscript%3Ealert(1)%3C/script%3E' });
    const html = await htmlOf(running, { cookie: (login.headers['set-cookie'] ?? '').split(';')[0] ?? '' });
    expect(html).not.toContain('<script>alert');
  });
});
