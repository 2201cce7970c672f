import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { namespaceOf } from '../mesh/objects.ts';
import { checkSelectors, severalByNamespace } from './workload-selectors.ts';

/** IST0157: access logs of a Telemetry that names no provider, where the mesh has no default. */
export const telemetryProviders: Analyzer = {
  name: 'telemetry.ProviderAnalyzer',
  codes: ['IST0157'],
  analyze(mesh, report) {
    if (mesh.settings.accessLogProviders.length > 0) return;
    for (const object of mesh.telemetries) {
      for (const logging of specOf(object).get('accessLogging').items) {
        if (logging.get('disabled').isTrue || logging.get('providers').items.length > 0) continue;
        const values = { name: object.metadata.name, namespace: namespaceOf(object) };
        report('IST0157', { object, path: logging.path }, values);
      }
    }
  },
};

/** IST0002: traces for a provider of the deprecated kind Lightstep. */
export const telemetryLightstep: Analyzer = {
  name: 'telemetry.LightstepAnalyzer',
  codes: ['IST0002'],
  analyze(mesh, report) {
    const deprecated = new Set(mesh.settings.lightstepProviders);
    for (const object of deprecated.size === 0 ? [] : mesh.telemetries) {
      for (const tracing of specOf(object).get('tracing').items) {
        for (const provider of tracing.get('providers').items) {
          const name = provider.get('name').text;
          if (!deprecated.has(name)) continue;
          const detail = `The Lightstep provider ${name} is deprecated, please migrate to OpenTelemetry provider.`;
          report('IST0002', { object, path: provider.path }, { detail });
        }
      }
    }
  },
};

/** IST0101 and IST0159: Telemetries that select no pod, or one that another selects too. */
export const telemetrySelectors: Analyzer = {
  name: 'telemetry.SelectorAnalyzer',
  codes: ['IST0101', 'IST0159'],
  analyze(mesh, report) {
    const selected = checkSelectors(mesh, report, { objects: mesh.telemetries, selector: 'selector.matchLabels' });
    for (const { pod, objects, names } of selected) {
      if (objects.length < 2) continue;
      for (const object of objects) {
        const values = { telemetries: names, namespace: pod.namespace, pod: pod.name };
        report('IST0159', { object, path: 'spec.selector', line: 'metadata.name' }, values);
      }
    }
  },
};

/** IST0160: several Telemetries without a selector in one namespace. */
export const telemetryDefaults: Analyzer = {
  name: 'telemetry.DefaultSelectorAnalyzer',
  codes: ['IST0160'],
  analyze(mesh, report) {
    const general = mesh.telemetries.filter((each: KubeObject) => !specOf(each).get('selector').exists);
    for (const { namespace, objects, names } of severalByNamespace(general)) {
      for (const object of objects) report('IST0160', { object, path: 'spec' }, { telemetries: names, namespace });
    }
  },
};
