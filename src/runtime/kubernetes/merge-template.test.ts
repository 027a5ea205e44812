// A user's pod template over the operator's pod.
import { strategicMerge } from './merge-template.ts';

const pod = {
  spec: {
    restartPolicy: 'Never',
    containers: [
      {
        name: 'taskmanager',
        image: 'flowjob',
        env: [{ name: 'A', value: '1' }],
        volumeMounts: [{ name: 'state', mountPath: '/state' }],
      },
    ],
    volumes: [{ name: 'state', emptyDir: {} }],
  },
};

test('what is named is merged by its name, what is new comes behind, and nothing of the operator is lost', () => {
  const merged = strategicMerge(pod, {
    spec: {
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      containers: [
        { name: 'taskmanager', env: [{ name: 'B', value: '2' }], volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        { name: 'sidecar', image: 'proxy' },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  });
  expect(merged).toEqual({
    spec: {
      restartPolicy: 'Never',
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      containers: [
        {
          name: 'taskmanager',
          image: 'flowjob',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
          volumeMounts: [
            { name: 'state', mountPath: '/state' },
            { name: 'data', mountPath: '/data' },
          ],
        },
        { name: 'sidecar', image: 'proxy' },
      ],
      volumes: [
        { name: 'state', emptyDir: {} },
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      ],
    },
  });
});

test('an equal name overrides, null removes, and directives delete and replace', () => {
  const merged = strategicMerge(pod, {
    spec: {
      restartPolicy: null,
      containers: [{ name: 'taskmanager', image: 'own', env: [{ name: 'A', $patch: 'delete' }] }],
      volumes: [{ name: 'state', $patch: 'replace', hostPath: { path: '/x' } }],
    },
  }) as typeof pod;
  expect(merged.spec.restartPolicy).toBeUndefined();
  expect(merged.spec.containers[0]).toMatchObject({ image: 'own', env: [] });
  expect(merged.spec.volumes).toEqual([{ name: 'state', hostPath: { path: '/x' } }]);
});

test('neither side is changed', () => {
  const before = structuredClone(pod);
  strategicMerge(pod, { spec: { containers: [{ name: 'taskmanager', image: 'own' }] } });
  expect(pod).toEqual(before);
});
