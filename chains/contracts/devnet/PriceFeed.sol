// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title A price feed for devnets with the reads of Chainlink's AggregatorV3Interface.
contract PriceFeed is Ownable {
    error NoDataPresent();

    uint8 public constant decimals = 8;
    uint256 public constant version = 1;
    string public description;

    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    mapping(uint80 => Round) private rounds;
    uint80 private latest;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    constructor(address owner, string memory about) Ownable(owner) {
        description = about;
    }

    function post(int256 answer, uint256 updatedAt) external onlyOwner {
        rounds[++latest] = Round(answer, updatedAt);
        emit AnswerUpdated(answer, latest, updatedAt);
    }

    function latestRoundData()
        external
        view
        returns (uint80, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)
    {
        return getRoundData(latest);
    }

    function getRoundData(uint80 id)
        public
        view
        returns (uint80, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)
    {
        Round memory round = rounds[id];
        if (id == 0 || id > latest) revert NoDataPresent();
        return (id, round.answer, round.updatedAt, round.updatedAt, id);
    }
}
