import { type Config, fieldOf } from '../snapshot/config.ts';
import { labelsMatch } from '../snapshot/hosts.ts';
import type { PeerAuthenticationSpec } from '../snapshot/istio-types.ts';
import type { PeerAuthenticationList } from '../snapshot/peer-authentications.ts';
import type { PolicySubject } from '../snapshot/policy-target.ts';
import { type LeftOut, placeOf } from './question.ts';
import { objectName } from './virtual-services.ts';

type PeerAuthentication = Config<PeerAuthenticationSpec>;

const labelsOf = ({ spec }: PeerAuthentication): Readonly<Record<string, string>> => spec.selector?.matchLabels ?? {};

const isGeneral = (policy: PeerAuthentication): boolean => Object.keys(labelsOf(policy)).length === 0;

/** Those that do not count for a workload because one of the same level is older, and those of the root namespace that select. */
export function outdonePeerAuthentications(
  all: PeerAuthenticationList,
  { namespace, labels }: PolicySubject,
  rootNamespace: string,
): LeftOut[] {
  const ofNamespace = (wanted: string): PeerAuthenticationList => all.filter((policy) => policy.namespace === wanted);
  const levels = [
    ofNamespace(namespace).filter((policy) => !isGeneral(policy) && labelsMatch(labelsOf(policy), labels)),
    ofNamespace(namespace).filter(isGeneral),
    ...(namespace === rootNamespace ? [] : [ofNamespace(rootNamespace).filter(isGeneral)]),
  ];
  const outdone = levels.flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : others.map((policy) =>
          told(
            policy,
            'metadata.name',
            `does not count beside ${objectName(first)}, which ${comesFirst(first, policy)}`,
          ),
        ),
  );
  const selecting = ofNamespace(rootNamespace).filter(
    (policy) => !isGeneral(policy) && labelsMatch(labelsOf(policy), labels),
  );
  const why = `selects workloads, which counts for nobody in the root namespace ${rootNamespace}`;
  return [...outdone, ...selecting.map((policy) => told(policy, 'spec.selector', why))];
}

const comesFirst = (first: PeerAuthentication, other: PeerAuthentication): string =>
  first.createdMs < other.createdMs ? 'is older' : 'comes first';

const told = (policy: PeerAuthentication, path: string, reason: string): LeftOut => ({
  name: objectName(policy),
  reason,
  origin: placeOf(fieldOf(policy, path)),
});
