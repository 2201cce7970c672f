import { StepSampler } from '../../server/data-plane/decisions/hop-steps.ts';

// The process under test with every hop recorded, or none: arguments are the subnet and `every` or `none`.
const every = process.argv[3] === 'every';
const { next } = StepSampler.prototype;
StepSampler.prototype.next = function decide(nowMs) {
  next.call(this, nowMs);
  return every;
};
if (!every) StepSampler.keepsTrace = () => false;
await import('./mesh-process.ts');
