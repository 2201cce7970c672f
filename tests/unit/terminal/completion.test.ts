import { describe, expect, it } from 'vitest';
import { createShop } from './shop.ts';

/** What completing at the end of a line offers. */
const offers = async (line: string) => {
  const { terminal } = await createShop();
  const { from, candidates } = terminal.complete(line, line.length);
  return { candidates, whole: candidates.map((candidate) => line.slice(0, from) + candidate) };
};

describe('Tab', () => {
  it.each([
    ['kub', ['kubectl']],
    ['echo a | so', ['sort']],
    ['true && kubec', ['kubectl']],
    ['for i in a; do cur', ['curl']],
    ['kubectl desc', ['describe']],
    ['kubectl roll', ['rollout']],
    ['kubectl rollout st', ['status']],
    ['kubectl rollout restart deploy/', ['deploy/cart']],
    ['k get virtuals', ['virtualservice', 'virtualservices']],
    ['kubectl get pods,svc,dep', ['pods,svc,deploy', 'pods,svc,deployment', 'pods,svc,deployments']],
    ['kubectl get pod ca', ['cart-1', 'cart-2']],
    ['kubectl get pod -o wide ca', ['cart-1', 'cart-2']],
    ['kubectl -n shop get pod ca', []],
    ['kubectl get pod ca -n sho', ['shop']],
    ['kubectl -n sho', ['shop']],
    ['kubectl -n default get pod ca', ['cart-1', 'cart-2']],
    ['kubectl -n default des', ['describe']],
    ['kubectl --name', ['--namespace']],
    ['kubectl get pods --namespace=sh', ['--namespace=shop']],
    ['kubectl get pods --show', ['--show-kind', '--show-labels', '--show-managed-fields']],
    ['kubectl get pods -o ya', ['yaml']],
    ['kubectl get pods -l version=', ['version=v1']],
    ['kubectl describe svc/c', ['svc/cart']],
    ['kubectl logs ratings-v1-abc -c ist', ['istio-init', 'istio-proxy']],
    ['kubectl logs depl', ['deploy/cart']],
    ['kubectl exec rat', ['ratings-v1-abc']],
    ['kubectl exec ratings-v1-abc -- cu', ['curl']],
    ['kubectl apply -f samples/r', ['samples/reviews.yaml']],
    ['kubectl apply -f=sam', []],
    ['kubectl explain vs.spec.ht', ['vs.spec.http']],
    ['kubectl create na', ['namespace']],
    ['istioctl proxy-c', ['proxy-config']],
    ['istioctl pc li', ['listeners']],
    ['istioctl pc routes dep', ['deploy/cart']],
    ['istioctl analyze sam', ['samples/notes.txt', 'samples/reviews.yaml']],
    ['cat samples/n', ['samples/notes.txt']],
    ['sort < samples/n', ['samples/notes.txt']],
    ['cat "samples/n', ['samples/notes.txt']],
    ['echo $GATE', ['$GATEWAY_URL']],
    ['curl --write', ['--write-out']],
    ['kubectl get pod $(kubectl get po ca', ['cart-1', 'cart-2']],
    ['man fort', ['fortio']],
    ['if kubectl get pod ca', ['cart-1', 'cart-2']],
    ['time istioctl proxy-c', ['proxy-config']],
    ['kubectl get cm -o go', ['go-template=']],
    ['istioctl pc lo', ['log']],
    ["sed -i 's/a/b/' samples/n", ['samples/notes.txt']],
    ['kubectl patch deploy cart --type=j', ['--type=json']],
    ['seq 3 | aw', ['awk']],
    ['nosuch x', []],
  ])('after %s offers %j', async (line, expected) => {
    expect((await offers(line)).candidates).toEqual(expected);
  });

  it('offers candidates in the place of the word before the cursor', async () => {
    expect((await offers('kubectl get pod cart-')).whole).toEqual(['kubectl get pod cart-1', 'kubectl get pod cart-2']);
    expect((await offers('kubectl get pods;cat samples/n')).whole).toEqual(['kubectl get pods;cat samples/notes.txt']);
  });

  it('completes at the cursor, not at the end', async () => {
    const { terminal } = await createShop();
    expect(terminal.complete('kub get pods', 3)).toEqual({ from: 0, candidates: ['kubectl'] });
  });

  it('answers an odd line with nothing, not with an error', async () => {
    for (const line of [
      'kubectl get -',
      'kubectl get frog/',
      'kubectl explain frog.',
      "echo '",
      'kubectl --',
      '|',
      '$('.repeat(4000),
      'kubectl logs -l',
      'kubectl explain vs.spec.frog.',
    ])
      expect(Array.isArray((await offers(line)).candidates)).toBe(true);
  });
});
