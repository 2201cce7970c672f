import { describe, expect, it } from 'vitest';
import { reply } from '../../support/fake-sandbox.ts';
import { turns } from './harness.ts';
import { createShop } from './shop.ts';

const run = async (...lines: string[]) => (await createShop()).run(...lines);

describe('kubectl logs', () => {
  it.each([
    ['kubectl logs cart-1', 'one\ntwo\n'],
    ['kubectl logs cart-1 --tail 1', 'two\n'],
    ['kubectl logs --tail=0 cart-1', ''],
    ['kubectl logs -l app=cart', 'one\ntwo\nthree\n'],
    ['kubectl logs -l app=cart --prefix --tail=1', '[pod/cart-1/app] two\n[pod/cart-2/app] three\n'],
    ['kubectl logs ratings-v1-abc -c istio-proxy --tail=2', '[line 2]\n[line 3]\n'],
    ['kubectl logs ratings-v1-abc istio-proxy --tail=1', '[line 3]\n'],
    ['kubectl logs pod/cart-2', 'three\n'],
  ])('%s', async (line, out) => {
    expect(await run(line)).toEqual({ out, err: '', code: 0, more: false });
  });

  it('says which container and which pod it chose', async () => {
    expect((await run('kubectl logs ratings-v1-abc')).err).toBe(
      'Defaulted container "ratings" out of: ratings, istio-proxy, istio-init (init)\n',
    );
    expect(await run('kubectl logs deploy/cart')).toMatchObject({
      err: 'Found 2 pods, using pod/cart-1\n',
      out: 'one\ntwo\n',
    });
  });

  it('takes the container that the pod declares as its default without a word', async () => {
    const shop = await createShop();
    shop.sandbox.addPod({
      name: 'x',
      annotations: { 'kubectl.kubernetes.io/default-container': 'b' },
      containers: [{ name: 'a' }, { name: 'b' }],
      logs: { b: ['from b'] },
    });
    expect(await shop.run('kubectl logs x')).toMatchObject({ out: 'from b\n', err: '' });
  });

  it('follows new lines until Ctrl+C', async () => {
    const shop = await createShop();
    const pod = shop.sandbox.addPod({ name: 'x', logs: { app: ['old'] } });
    const running = shop.start('kubectl logs -f x');
    await turns();
    pod.log('app', 'new');
    running.interrupt();
    expect((await running.done).out).toBe('old\nnew\n');
    pod.log('app', 'unheard');
    expect(running.out()).toBe('old\nnew\n');
  });

  it.each([
    ['kubectl logs', "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'."],
    ['kubectl logs nope', 'Error from server (NotFound): pods "nope" not found'],
    ['kubectl logs cart-1 -c nope', 'error: container nope is not valid for pod cart-1'],
    ['kubectl logs cart-1 --tail=x', 'Error: invalid argument "x" for "--tail" flag'],
    ['kubectl logs cart-1 -l app=cart', 'error: only a selector (-l) or a POD name is allowed'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });

  it('finds no pods behind a label with exit code 0', async () => {
    expect(await run('kubectl logs -l app=nope')).toMatchObject({
      err: 'No resources found in default namespace.\n',
      code: 0,
    });
  });
});

describe('kubectl cp', () => {
  it('copies a file into a container, into a folder or under a name, and back', async () => {
    const shop = await createShop();
    await shop.run('echo hello > note.txt');
    expect(await shop.run('kubectl cp note.txt cart-1:/tmp')).toMatchObject({ code: 0, out: '', err: '' });
    expect(await shop.run('kubectl cp note.txt default/cart-1:/opt/other.txt')).toMatchObject({ code: 0 });
    expect((await shop.run('kubectl exec cart-1 -- cat /tmp/note.txt /opt/other.txt')).out).toBe('hello\nhello\n');
    expect(await shop.run('kubectl cp cart-1:/opt/other.txt .; cat other.txt')).toMatchObject({
      out: 'hello\n',
      code: 0,
    });
  });

  it.each([
    ['kubectl cp a', 'error: source and destination are required\n'],
    ['kubectl cp a b', 'error: one of src or dest must be a remote file specification\n'],
    ['kubectl cp a:/b c:/d', 'error: one of src or dest must be a local file specification\n'],
    ['kubectl cp none.txt cart-1:/tmp', "error: none.txt doesn't exist in local filesystem\n"],
    ['kubectl cp cart-1:/none .', 'cat: /none: No such file or directory\ncommand terminated with exit code 1\n'],
  ])('refuses %s', async (line, text) => {
    expect(await run(line)).toMatchObject({ err: text, code: 1 });
  });
});

describe('kubectl exec', () => {
  it('sends a request from inside the pod', async () => {
    const shop = await createShop();
    const { out } = await shop.run('kubectl exec -it deploy/cart -- curl -s http://reviews:9080/ -H "end-user: jason"');
    expect(out).toBe('ok');
    expect(shop.sandbox.requests).toMatchObject([{ from: 'cart-1', init: { headers: { 'end-user': 'jason' } } }]);
  });

  it('gives the program its own flags', async () => {
    expect((await run('kubectl -n default exec cart-1 -- print a')).out).toBe('a\n');
    expect((await run('kubectl exec cart-1 -- print -h --help -n x')).out).toBe('-h --help -n x\n');
  });

  it('passes on the exit code and tells it', async () => {
    expect(await run('kubectl exec cart-1 -- print fail')).toMatchObject({
      out: 'fail\n',
      err: 'command terminated with exit code 3\n',
      code: 3,
    });
    const shop = await createShop();
    shop.sandbox.answer = () => reply(503);
    expect(await shop.run('kubectl exec cart-1 -- curl -fsS http://x/')).toMatchObject({
      err: 'curl: (22) The requested URL returned error: 503\ncommand terminated with exit code 22\n',
      code: 22,
    });
    expect((await run('kubectl exec cart-1 -- curl --frog')).code).toBe(2);
  });

  it('runs scripts of sh -c by the shell of the pod', async () => {
    const shop = await createShop();
    await shop.run('kubectl exec cart-1 -- sh -c "curl -s http://a/"');
    expect(shop.sandbox.requests).toHaveLength(1);
    const { out, code } = await shop.run("kubectl exec cart-1 -- /bin/sh -c 'curl -s a; curl -s b && echo done'");
    expect([out, code]).toEqual(['okokdone\n', 0]);
    expect(shop.sandbox.requests).toHaveLength(3);
  });

  it('hands on what is piped in with -i only, and holds no shell open', async () => {
    expect((await run('echo words | kubectl exec -i cart-1 -- cat')).out).toBe('words\n');
    expect((await run('echo words | kubectl exec cart-1 -- cat')).out).toBe('');
    expect((await run('echo "echo script" | kubectl exec -i cart-1 -- sh')).out).toBe('script\n');
    expect((await run('kubectl exec -it cart-1 -- sh')).err).toContain('holds no shell of a pod open');
  });

  it('says that a program is not there', async () => {
    expect(await run('kubectl exec cart-1 -- vi')).toMatchObject({
      err: 'exec: "vi": executable file not found in $PATH\ncommand terminated with exit code 127\n',
      code: 127,
    });
  });

  it('lists listening sockets', async () => {
    const { out } = await run('kubectl exec cart-1 -- ss -ltn');
    expect(out).toBe('State    Local Address:Port   Process\nLISTEN   0.0.0.0:8080         app\n');
  });

  it.each([
    ['kubectl exec', 'error: pod, type/name or --filename must be specified'],
    ['kubectl exec cart-1', 'error: you must specify at least one command for the container'],
    ['kubectl exec cart-1 --', 'error: you must specify at least one command for the container'],
    [
      'kubectl exec cart-1 ls',
      'error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead',
    ],
    ['kubectl exec nope -- ls', 'Error from server (NotFound): pods "nope" not found'],
    ['kubectl exec cart-1 -c nope -- ls', 'error: container nope not found in pod cart-1 out of: app'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});

describe('kubectl describe', () => {
  it('describes pods by label, one after the other', async () => {
    const { out, code } = await run('kubectl describe pod -l app=cart');
    expect(out.match(/^Name: +\S+$/gm)).toEqual(['Name:             cart-1', 'Name:             cart-2']);
    expect(out).toContain('  app:\n    Image:          example/app:1\n');
    expect(code).toBe(0);
  });

  it('tells why a container waits', async () => {
    const shop = await createShop();
    shop.sandbox.addPod({
      name: 'x',
      containers: [{ state: 'ImagePullBackOff', ready: false, message: 'no such image' }],
    });
    expect((await shop.run('kubectl describe pod x')).out).toMatch(
      /State: +Waiting\n +Reason: ImagePullBackOff\n +Message: no such image\n/,
    );
  });

  it('shows the endpoints and events of a service', async () => {
    const shop = await createShop();
    const write = { changeId: 'test' };
    shop.sandbox.store.create(
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'cart-x', namespace: 'default', labels: { 'kubernetes.io/service-name': 'cart' } },
        addressType: 'IPv4',
        ports: [{ name: 'http2', port: 8080 }],
        endpoints: [{ addresses: ['127.1.0.1'] }, { addresses: ['127.1.0.2'], conditions: { ready: false } }],
      },
      write,
    );
    shop.sandbox.store.create(
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e', namespace: 'default' },
        involvedObject: { kind: 'Service', name: 'cart', namespace: 'default' },
        type: 'Warning',
        reason: 'Moved',
        message: 'it moved',
        source: { component: 'kubelet' },
      },
      write,
    );
    const { out } = await shop.run('kubectl describe svc cart');
    expect(out).toMatch(/^Port: +http2 {2}8080\/TCP\nTargetPort: +8080\/TCP\nEndpoints: +127\.1\.0\.1:8080$/m);
    expect(out).toMatch(/^ {2}Warning +Moved +0s +kubelet +it moved$/m);
  });

  it('describes any other kind by its fields', async () => {
    const { out } = await run('kubectl describe vs reviews');
    expect(out).toMatch(/^Name: +reviews\nNamespace: +default\n/);
    expect(out).toContain(
      'Spec:\n  Hosts:\n    reviews\n  Http:\n    Route:\n      Destination:\n        Host:  reviews\n        Subset:  v1\n',
    );
    expect(out).not.toContain('last-applied');
  });

  it('describes what is there and tells what is not', async () => {
    const { out, err, code } = await run('kubectl describe pod cart-1 nope');
    expect(out).toContain('cart-1');
    expect(err).toBe('Error from server (NotFound): pods "nope" not found\n');
    expect(code).toBe(1);
  });
});

describe('kubectl explain and api-resources', () => {
  it('explains a kind and its fields', async () => {
    const { out } = await run('kubectl explain virtualservice.spec.http.retries');
    expect(out).toMatch(
      /^GROUP: {6}networking\.istio\.io\nKIND: {7}VirtualService\nVERSION: {4}v1\n\nFIELD: retries <Object>\n\n\nDESCRIPTION:\n {4}\S/,
    );
    expect(out).toMatch(/^ {2}attempts\t<integer>\n {4}\S/m);
  });

  it('knows short names, groups and lists', async () => {
    expect((await run('kubectl explain vs.spec')).out).toMatch(/^ {2}http\t<\[\]Object>$/m);
    expect((await run('kubectl explain virtualservices.networking.istio.io.spec.hosts')).out).toContain(
      'FIELD: hosts <[]string>',
    );
    expect((await run('kubectl explain pods --recursive')).out).toMatch(/^ {4}containers\t/m);
  });

  it.each([
    ['kubectl explain', 'error: You must specify the type of resource to explain.'],
    ['kubectl explain vs.spec.frog', 'error: field "frog" does not exist'],
    ['kubectl explain frog', 'error: the server doesn\'t have a resource type "frog"'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });

  it('lists kinds by group and name', async () => {
    const { out } = await run('kubectl api-resources');
    expect(out).toMatch(/^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\nconfigmaps +cm +v1 +true +ConfigMap\n/);
    expect(out).toMatch(/^virtualservices +vs +networking\.istio\.io\/v1 +true +VirtualService$/m);
  });
});
