export * from './age.ts';
export * from './decision.ts';
export * from './diagnostic.ts';
export * from './errors.ts';
export * from './kube.ts';
export * from './names.ts';
export * from './random.ts';
export * from './time.ts';
