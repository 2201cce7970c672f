import { parseCel } from '../cel/parser.ts';
import { CelSyntaxError } from '../cel/syntax.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { checkAttachment } from '../rules/target-refs.ts';
import { readDuration } from '../rules/values.ts';
import { defineKind } from './definition.ts';

function checkProviders(owner: Field, findings: Findings): void {
  for (const provider of owner.get('providers').items) {
    if (provider.get('name').text !== '') continue;
    findings.reject(provider, 'providers.name may not be empty', 'Name an extension provider of the mesh.');
  }
}

const TAGS = {
  literal: ['value', 'literal tag value may not be empty'],
  header: ['name', 'header tag name may not be empty'],
  environment: ['name', 'environment tag name may not be empty'],
} as const;

function checkTracing(tracing: Field, findings: Findings): void {
  const all = tracing.items;
  if (all.length > 1) findings.warn(tracing, 'multiple tracing is not currently supported', 'Keep the first entry.');
  for (const each of all) {
    const providers = each.get('providers');
    if (providers.items.length > 1) findings.warn(providers, 'multiple providers is not currently supported');
    checkProviders(each, findings);
    const share = each.get('randomSamplingPercentage');
    if (share.number < 0 || share.number > 100) {
      findings.reject(share, 'randomSamplingPercentage must be in range [0.0, 100.0]');
    }
    for (const [name, tag] of each.get('customTags').entries) {
      // The API server leaves out what is null.
      if (!tag.exists) continue;
      if (name === '') findings.reject(tag, 'tag name may not be empty');
      for (const [type, [field, message]] of Object.entries(TAGS)) {
        const source = tag.get(type);
        if (source.exists && source.get(field).text === '') findings.reject(source, message);
      }
    }
  }
}

function checkTagOverrides(overrides: Field, findings: Findings): void {
  for (const [name, tag] of overrides.entries) {
    if (name === '') findings.warn(tag, 'tagOverrides.name may not be empty');
    if (!tag.exists) {
      findings.reject(tag, 'tagOverrides may not be null');
      continue;
    }
    const value = tag.get('value').text;
    const removes = tag.get('operation').text === 'REMOVE';
    if (removes && value !== '') {
      findings.reject(tag.get('value'), 'tagOverrides.value may only be set when operation is UPSERT');
    } else if (!removes && value === '') {
      findings.reject(tag, 'tagOverrides.value must be set when operation is UPSERT', 'Add value, or REMOVE the tag.');
    }
  }
}

function checkMetrics(metrics: Field, findings: Findings): void {
  for (const each of metrics.items) {
    checkProviders(each, findings);
    readDuration(each.get('reportingInterval'), findings);
    for (const override of each.get('overrides').items) {
      if (!override.exists) findings.reject(override, 'tagOverrides may not be null');
      checkTagOverrides(override.get('tagOverrides'), findings);
      const custom = override.at('match.customMetric');
      if (custom.exists && custom.text === '') findings.reject(custom, 'customMetric may not be empty');
    }
  }
}

function checkFilter(filter: Field, findings: Findings): void {
  if (!filter.exists) return;
  try {
    parseCel(filter.get('expression').text);
  } catch (error) {
    if (!(error instanceof CelSyntaxError)) throw error;
    const message = `must be a valid CEL expression, ERROR: <input>:1:${error.offset + 1}: ${error.message}`;
    findings.reject(filter.get('expression'), message, 'Write a condition such as response.code >= 400.');
  }
}

function check(spec: Field, findings: Findings): void {
  checkAttachment(spec, findings);
  checkMetrics(spec.get('metrics'), findings);
  checkTracing(spec.get('tracing'), findings);
  for (const each of spec.get('accessLogging').items) {
    checkFilter(each.get('filter'), findings);
    checkProviders(each, findings);
  }
}

export const telemetryKind = defineKind({
  group: 'telemetry.istio.io',
  versions: ['v1', 'v1alpha1'],
  kind: 'Telemetry',
  plural: 'telemetries',
  shortNames: ['telemetry'],
  check,
});
