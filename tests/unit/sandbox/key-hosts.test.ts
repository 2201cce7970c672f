import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readKeyHost } from '../../../server/sandbox/network/key-host.ts';
import { createKeyHosts, isPublic } from '../../../server/sandbox/network/key-hosts.ts';
import { systemClock } from '../../../server/system.ts';

describe('a host of keys, as an operator writes it', () => {
  it.each([
    ['login.example.com', { origin: 'https://login.example.com' }],
    ['https://login.example.com/', { origin: 'https://login.example.com' }],
    ['https://LOGIN.example.com:443', { origin: 'https://login.example.com' }],
    [' http://keys.corp:8080=10.1.2.3 ', { origin: 'http://keys.corp:8080', address: '10.1.2.3' }],
    ['keys.corp=fd00::1', { origin: 'https://keys.corp', address: 'fd00::1' }],
    ['http://10.1.2.3:8080', { origin: 'http://10.1.2.3:8080', address: '10.1.2.3' }],
    ['https://[fd00::1]', { origin: 'https://[fd00::1]', address: 'fd00::1' }],
  ])('%s', (text, host) => {
    expect(readKeyHost(text)).toEqual(host);
  });

  it.each([
    'https://login.example.com/keys',
    'https://user@login.example.com',
    'file:///etc/passwd',
    'ftp://login.example.com',
    'keys.corp=somewhere',
    'keys.corp=10.0.0.1=10.0.0.2',
    'https://*.example.com?',
    'https://',
  ])('%s is refused', (text) => {
    expect(() => readKeyHost(text)).toThrow(/^a host of keys is written/);
  });
});

describe('the way out to the hosts of keys', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  const serve = (listener: RequestListener): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer(listener);
      servers.push(server);
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  const reach = (hosts: readonly string[], addresses: readonly string[] = []) => {
    const asked: string[] = [];
    const fetchOutside = createKeyHosts({
      hosts: hosts.map(readKeyHost),
      clock: systemClock(),
      resolve: async (name) => {
        asked.push(name);
        return addresses;
      },
    });
    return { fetchOutside, asked };
  };

  it('leads to no other scheme, host or port than the operator wrote', () => {
    const { fetchOutside } = reach(['https://login.example.com']);
    for (const url of [
      'http://login.example.com/keys',
      'https://login.example.com:8443/keys',
      'https://login.example.com.evil.test/keys',
      'https://evil.test/login.example.com',
      'https://login.example.com@evil.test/keys',
      'https://sub.login.example.com/keys',
    ])
      expect(fetchOutside(url), url).toBeUndefined();
  });

  it('ends at an address that the operator wrote down, without a look at the name', async () => {
    const port = await serve((request, response) => response.end(`${request.headers.host} ${request.url}`));
    const { fetchOutside, asked } = reach([`http://keys.corp:${port}=127.0.0.1`]);
    const answer = await fetchOutside(`http://keys.corp:${port}/a?b=c`);
    expect([answer?.status, answer?.body.toString()]).toEqual([200, `keys.corp:${port} /a?b=c`]);
    expect(asked).toEqual([]);
  });

  it.each([
    ['the machine itself', ['127.0.0.1', '::1']],
    ['a private network', ['10.0.0.5', '192.168.1.1', '172.31.0.1', 'fd12::1']],
    ['the metadata of a cloud', ['169.254.169.254', 'fe80::1', 'fd00:ec2::254']],
    ['a private address inside another', ['::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::']],
    ['nowhere', ['0.0.0.0', '255.255.255.255', '::', '224.0.0.1', '100.64.0.1', '198.18.0.1']],
  ])('does not follow a name to %s', async (_where, addresses) => {
    let requests = 0;
    const port = await serve((_request, response) => {
      requests += 1;
      response.end();
    });
    const { fetchOutside } = reach([`http://login.example.com:${port}`], addresses);
    await expect(fetchOutside(`http://login.example.com:${port}/keys`)).rejects.toThrow(/which is no public address/);
    expect(requests).toBe(0);
  });

  it('asks for the address of a name once for each connection, and connects to what it was told then', async () => {
    const { fetchOutside, asked } = reach(['http://login.example.com:9'], ['192.0.2.1', '10.0.0.1']);
    await expect(fetchOutside('http://login.example.com:9/')).rejects.toThrow(/is at 192.0.2.1, 10.0.0.1/);
    expect(asked).toEqual(['login.example.com']);
  });

  it('does not follow redirects, waits no longer than it is told, and reads no more than 8 MiB', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      else if (request.url === '/endless') {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
        };
        response.on('drain', more);
        more();
      }
      // Everything else hangs.
    });
    const { fetchOutside } = reach([`http://keys.corp:${port}=127.0.0.1`]);
    const get = (path: string) => fetchOutside(`http://keys.corp:${port}${path}`, { timeoutMs: 2000 });
    expect((await get('/away'))?.status).toBe(302);
    await expect(get('/endless')).rejects.toThrow('the answer is larger than 8388608 bytes');
    await expect(get('/hang')).rejects.toThrow('no answer within 2000 ms');
  });
});

describe('an address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '2a00:1450:4001::5e'])(
    '%s is public',
    (address) => expect(isPublic(address)).toBe(true),
  );
  it.each(['', 'localhost', '127.1', '::ffff:8.8.8.8', '3fff::1', '2001:db8::1'])('%s is not', (address) =>
    expect(isPublic(address)).toBe(false),
  );
});
