"""Trains a textbook AFM or DeepFM in PyTorch; run by an interpreter that has torch."""

import itertools
import json
import sys

import torch
from answer import answer
from torch import nn

job = json.loads(sys.argv[1])
torch.set_num_threads(job["intra"] * job["inter"])
FEATURES, LONG = job.get("ids", 5400), 50
batch, fields, dim = job["batch"], job["fields"], job["dim"]
numbers, lists = job.get("numbers", 0), job.get("lists", 0)
rows, sparse = FEATURES // fields, job.get("sparse", False)


class Model(nn.Module):
    """Embedding, linear term, and attention over the pairs, or FM and a tower."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Embedding(FEATURES, dim, sparse=sparse)
        self.weights = nn.Embedding(FEATURES, 1, sparse=sparse)
        bags = {"mode": "mean", "sparse": sparse}
        self.bags = nn.ModuleList(nn.EmbeddingBag(rows, dim, **bags) for _ in range(lists))
        self.bag_weights = nn.ModuleList(nn.EmbeddingBag(rows, 1, **bags) for _ in range(lists))
        self.number_weights = nn.Linear(numbers, 1, bias=False) if numbers else None
        self.bias = nn.Parameter(torch.zeros(1))
        self.register_buffer("offsets", torch.arange(fields) * rows)
        self.register_buffer("pairs", torch.triu_indices(fields, fields, 1))
        if job["model"] == "AFM":
            self.attention = nn.Linear(dim, job["units"])
            self.head = nn.Linear(job["units"], 1, bias=False)
            self.projection = nn.Linear(dim, 1, bias=False)
        else:
            widths = [(fields + lists) * dim + numbers, *job["tower"]]
            layers = []
            for one, other in itertools.pairwise(widths):
                layers += [nn.Linear(one, other), nn.ReLU()]
            self.tower = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, ids: torch.Tensor, given: torch.Tensor | None, bags: list) -> torch.Tensor:
        """Logits, `(batch,)`."""
        ids = ids + self.offsets
        v = self.vectors(ids)
        first = self.bias + self.weights(ids).sum(1)
        if bags:
            pooled = [bag(*one) for bag, one in zip(self.bags, bags, strict=True)]
            v = torch.cat([v, torch.stack(pooled, 1)], 1)
            first = first + sum(b(*one) for b, one in zip(self.bag_weights, bags, strict=True))
        if job["model"] == "AFM":
            products = v[:, self.pairs[0]] * v[:, self.pairs[1]]
            scores = self.head(torch.relu(self.attention(products)))
            pooled = (torch.softmax(scores, dim=1) * products).sum(1)
            return (first + self.projection(pooled))[:, 0]
        second = 0.5 * (v.sum(1).square() - v.square().sum(1)).sum(1, keepdim=True)
        hidden = v.flatten(1)
        if given is not None:
            first = first + self.number_weights(given)
            hidden = torch.cat([hidden, given], 1)
        return (first + second + self.tower(hidden))[:, 0]


def lists_of_ids() -> tuple[torch.Tensor, torch.Tensor]:
    """Ids, and where those of each example begin."""
    lengths = torch.randint(0, LONG + 1, (batch,))
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)[:-1]])
    return torch.randint(0, rows, (int(lengths.sum()),)), starts


torch.manual_seed(0)
model = Model()
tables = [one.weight for one in model.modules() if isinstance(one, nn.Embedding | nn.EmbeddingBag)]
others = [one for one in model.parameters() if all(one is not table for table in tables)]
optimizers = [torch.optim.Adam(others if sparse else model.parameters(), 0.001)]
if sparse:
    optimizers.append(torch.optim.SparseAdam(tables, 0.001))
loss_of = nn.BCEWithLogitsLoss()
batches = [
    (
        torch.randint(0, rows, (batch, fields)),
        torch.rand(batch, numbers) if numbers else None,
        [lists_of_ids() for _ in range(lists)],
        torch.randint(0, 2, (batch,)).float(),
    )
    for _ in range(8)
]


score = torch.compile(model) if job.get("compile") else model


def train(number: int) -> float:
    *inputs, labels = batches[number % 8]
    for one in optimizers:
        one.zero_grad()
    loss = loss_of(score(*inputs), labels)
    loss.backward()
    for one in optimizers:
        one.step()
    return loss.item()


answer(train)
