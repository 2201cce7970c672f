import { afterEach, describe, expect, it, vi } from 'vitest';
import { sameOriginTransport } from '../../../src/lab-client/transport.ts';

afterEach(() => vi.unstubAllGlobals());

/** Asks for a token on a page of this address; the server answers so. */
function session(page: string, answer: Response): Promise<string> {
  vi.stubGlobal('fetch', () => Promise.resolve(answer));
  return sameOriginTransport(new URL(page) as unknown as Location).session();
}

const token = (home: string): Response => Response.json({ token: 'abc', home });

describe('a token for a page', () => {
  it.each(['http://127.0.0.1:4321/lab/canary/', 'http://localhost:4321/', 'http://[::1]:4321/'])(
    'comes when the page is opened as %s',
    async (page) => {
      await expect(session(page, token('http://127.0.0.1:4321'))).resolves.toBe('abc');
    },
  );

  it('comes under the name that the server was started with', async () => {
    await expect(session('http://mesh.example:4321/', token('http://mesh.example:4321'))).resolves.toBe('abc');
    await expect(session('http://mesh.example/', token('http://mesh.example'))).resolves.toBe('abc');
  });

  it.each(['http://mesh.example:4321/', 'https://mesh.example/', 'http://127.0.0.1:8080/'])(
    'is not taken at %s, where the stream would be refused',
    async (page) => {
      await expect(session(page, token('http://127.0.0.1:4321'))).rejects.toMatchObject({
        name: 'WrongPlace',
        home: 'http://127.0.0.1:4321',
      });
    },
  );

  it('does not come where the server answers to other names only, and the page is told which', async () => {
    const refused = new Response('', { status: 421, headers: { 'x-meshwork-home': 'http://127.0.0.1:4321' } });
    await expect(session('http://mesh.example/', refused)).rejects.toMatchObject({ home: 'http://127.0.0.1:4321' });
  });

  it('does not come from a server of files', async () => {
    await expect(session('http://mesh.example/', new Response('<html>', { status: 404 }))).rejects.toThrow('404');
  });
});
