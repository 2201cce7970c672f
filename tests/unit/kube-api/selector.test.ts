import { describe, expect, it } from 'vitest';
import { labelsMatch, parseFieldSelector, parseLabelSelector } from '#kube-api';
import { change, configMap, newStore, refusal } from './cluster.ts';

const labels = { app: 'reviews', version: 'v1', 'app.kubernetes.io/part-of': 'bookinfo' };

describe('label selectors', () => {
  it.each([
    ['app=reviews', true],
    ['app==reviews', true],
    ['app!=reviews', false],
    ['other!=x', true],
    ['version in (v1, v2)', true],
    ['version notin (v1,v2)', false],
    ['other notin (v1)', true],
    ['version', true],
    ['!canary', true],
    ['!version', false],
    ['app=reviews,version in (v2)', false],
    ['app.kubernetes.io/part-of=bookinfo,app', true],
    ['', true],
  ])('%s is %s', (text, expected) => {
    expect(parseLabelSelector(text)(labels)).toBe(expected);
  });

  it('refuses what is no selector', () => {
    expect(refusal(() => parseLabelSelector('a=b=c')).reason).toBe('BadRequest');
    expect(refusal(() => parseLabelSelector('a in b')).reason).toBe('BadRequest');
  });

  it('takes no inherited property for a label', () => {
    expect(parseLabelSelector('constructor')({})).toBe(false);
  });

  it('matches nothing with an empty matchLabels', () => {
    expect(labelsMatch({}, labels)).toBe(false);
    expect(labelsMatch({ app: 'reviews' }, labels)).toBe(true);
  });
});

describe('field selectors', () => {
  it('compares fields by their path', () => {
    const object = { metadata: { name: 'a' }, status: { phase: 'Running' } };
    expect(parseFieldSelector('metadata.name=a,status.phase!=Pending')(object)).toBe(true);
    expect(parseFieldSelector('status.reason=')(object)).toBe(true);
    expect(parseFieldSelector('metadata.name==b')(object)).toBe(false);
  });

  it('narrow a list together with labels and namespace, in the order of names', () => {
    const store = newStore();
    for (const name of ['b', 'a', 'c']) {
      const object = configMap(name);
      store.create({ ...object, metadata: { ...object.metadata, labels: { half: name < 'c' ? 'x' : 'y' } } }, change);
    }
    const names = (options: object) => store.list('ConfigMap', options).map((each) => each.metadata.name);
    expect(names({})).toEqual(['a', 'b', 'c']);
    expect(names({ labelSelector: 'half=x', fieldSelector: 'metadata.name!=a', namespace: 'default' })).toEqual(['b']);
    expect(names({ namespace: 'kube-system' })).toEqual([]);
  });
});
