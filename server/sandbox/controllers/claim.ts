import type { KubeObject, LabelSelector } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, ownedBy, picks } from '../kube-types.ts';

/** An object that manages others: those that its selector picks. */
export interface Claimant extends KubeObject {
  readonly spec: { readonly selector: LabelSelector };
}

interface Claims {
  readonly store: KubeStore;
  readonly changeId: string;
}

const isControlled = ({ metadata }: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ controller }) => controller === true) ?? false;

/**
 * The objects of a kind that this one manages: its own, and those of nobody that its selector picks, which it adopts. Its own that the
 * selector no longer picks, such as a pod whose labels somebody changed, it lets go. Source: controller_ref_manager.go in kubernetes.
 */
export function claim<Child extends KubeObject>(claims: Claims, kind: string, owner: Claimant): Child[] {
  const all = claims.store.list(kind, { namespace: owner.metadata.namespace ?? '' }) as Child[];
  return all.flatMap((child) => {
    const isPicked = picks(owner.spec.selector, child.metadata.labels);
    if (ownedBy(child, owner)) {
      if (isPicked) return [child];
      letGo(claims, kind, child, owner);
      return [];
    }
    const isOrphan = !isControlled(child) && child.metadata.deletionTimestamp === undefined;
    return isOrphan && isPicked ? [adopt(claims, kind, child, owner) as Child] : [];
  });
}

/** Those of a kind that would adopt this object; none where somebody manages it. */
export const adoptersOf = (store: KubeStore, kind: string, child: KubeObject): Claimant[] =>
  isControlled(child)
    ? []
    : (store.list(kind, { namespace: child.metadata.namespace ?? '' }) as Claimant[]).filter(({ spec }) =>
        picks(spec.selector, child.metadata.labels),
      );

function adopt({ store, changeId }: Claims, kind: string, child: KubeObject, owner: Claimant): KubeObject {
  const { apiVersion, metadata } = owner;
  const reference = {
    apiVersion,
    kind: owner.kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
  const ownerReferences = [...(child.metadata.ownerReferences ?? []), reference];
  return store.patch(kind, addressOf(child), { metadata: { ownerReferences } }, { changeId });
}

function letGo({ store, changeId }: Claims, kind: string, child: KubeObject, owner: Claimant): void {
  const others = (child.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  const ownerReferences = others.length > 0 ? others : null;
  store.patch(kind, addressOf(child), { metadata: { ownerReferences } }, { changeId });
}
