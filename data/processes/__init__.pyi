from .stopping import Stopped as Stopped
from .stopping import heeded_signals as heeded_signals
from .workers import LocalWorkers as LocalWorkers
from .workers import WorkerLostError as WorkerLostError
from .workers import end_with_parent as end_with_parent
from .workers import worker_pool as worker_pool
