// What is said of TaskManagers that come and go.
import { testOptions, testPlan, World } from './testing.ts';

test('the log says which TaskManagers came and went, with their slots, what is there now, and why', () => {
  const world = new World(testOptions(testPlan('STREAMING', 2)));
  world.register('tm-0', 1);
  world.register('tm-1', 2);
  world.tell({ type: 'taskManagerLost', taskManagerId: 'tm-1', reason: 'its connection was closed' });
  world.tell({ type: 'taskManagerLost', taskManagerId: 'tm-1', reason: 'its connection was closed' });
  const said = world.of('log').map(({ message }) => message);
  expect(said.filter((message) => message.startsWith('TaskManager'))).toEqual([
    'TaskManager tm-0 has registered: 1 slot; the job has 1 slot now',
    'TaskManager tm-1 has registered: 2 slots; the job has 3 slots now',
    'TaskManager tm-1 is lost: its connection was closed; the job has 1 slot now',
  ]);
});
