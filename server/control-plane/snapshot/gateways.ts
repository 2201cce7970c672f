import type { KubeObject } from '#domain';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { labelsMatch } from './hosts.ts';
import type { GatewaySpec } from './istio-types.ts';

export type GatewayList = readonly Config<GatewaySpec>[];

/** All Gateways (networking.istio.io), those generated from the Gateway API included, in configuration order. */
export const deriveGateways = (objects: readonly KubeObject[], generated: GatewayList = []): GatewayList =>
  [...objects.map((object) => toConfig<GatewaySpec>(object)), ...generated].sort(compareConfigs);

/** The Gateways that select a workload, from whatever namespace. A Gateway without selector selects every gateway pod. */
export const gatewaysFor = (all: GatewayList, labels: Readonly<Record<string, string>>): GatewayList =>
  all.filter((gateway) => labelsMatch(gateway.spec.selector, labels));
