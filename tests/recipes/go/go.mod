// SPDX-License-Identifier: Apache-2.0
module example.org/greet

go 1.19
